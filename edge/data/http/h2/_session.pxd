from libc.stdint cimport uint8_t, uint32_t

from edge.data.http._fields cimport FieldLines, Limits
from edge.data.http._message cimport Message
from edge.data.http.h2._hpack cimport Decoder
from edge.data.http.h2._request cimport RequestHead
from edge.data.http.h2._streams cimport H2Stream, OpenStreams
from edge.data.net._buffer cimport Buffer
from edge.data.net._outbox cimport Outbox

cdef enum Kind:
    F_DATA = 0
    F_HEADERS
    F_PRIORITY
    F_RST_STREAM
    F_SETTINGS
    F_PUSH_PROMISE
    F_PING
    F_GOAWAY
    F_WINDOW_UPDATE
    F_CONTINUATION
    F_PRIORITY_UPDATE = 16

cdef enum Flag:
    END_STREAM = 1
    ACK = 1
    END_HEADERS = 4
    PADDED = 8
    PRIORITY = 32

cdef enum Setting:
    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6
    ENABLE_CONNECT_PROTOCOL = 8   # RFC 8441
    NO_RFC7540_PRIORITIES = 9     # RFC 9218

cdef enum Code:
    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    ENHANCE_YOUR_CALM = 11

cdef enum:
    FRAME_HEAD = 9
    LARGEST_FRAME = 16384         # that is taken, and sent: small answers get between large ones
    DEFAULT_WINDOW = 65535
    LARGEST_WINDOW = 0x7FFFFFFF
    CONNECTION_WINDOW = 1 << 24
    WINDOW_STEP = 1 << 22         # bytes after which the window of the connection is restored
    WIDE_WINDOW = 1 << 20         # of a stream whose content is consumed as fast as it comes
    MOST_EXTRA = 1 << 20          # bytes by which the windows of all streams together may be wider
    MOST_CONTINUATIONS = 64
    MOST_FORGOTTEN = 256
    DRIBBLE = 128                 # bytes of content below which a frame that could hold more carries nothing
    USUAL = 3                     # urgency (RFC 9218, section 4.1)

cdef inline uint32_t number(const uint8_t *p) noexcept:
    return <uint32_t>p[0] << 24 | <uint32_t>p[1] << 16 | <uint32_t>p[2] << 8 | p[3]


cdef inline void put_number(uint8_t *p, uint32_t value) noexcept:
    p[0] = value >> 24
    p[1] = value >> 16 & 255
    p[2] = value >> 8 & 255
    p[3] = value & 255


cdef error(int code, str reason)

cdef enum Event:
    NOTHING = 0     # more bytes are needed
    HEAD            # `stream` is new, and has its head
    FAULTY          # `stream` is new, and its head has a fault; where that is MALFORMED it has been reset
    DATA            # `count` bytes for `stream` are at the beginning of the source, and are to be taken from there
    ENDED           # the message that comes on `stream` is complete, its trailers included
    RESET           # `stream` is no more
    WINDOW          # there is more room for content of `stream`, of all where it is None
    DRAINED         # what the client had sent before it knew that the connection ends has come
    LEAVING         # the peer takes no further streams

cdef class Session:
    cdef readonly Outbox out
    cdef readonly OpenStreams streams
    cdef readonly H2Stream stream
    cdef readonly Py_ssize_t count
    cdef readonly int running
    cdef readonly uint32_t highest
    cdef uint32_t skipped_after     # streams between these two were never opened: the last gap between two numbers
    cdef uint32_t skipped_before
    cdef readonly bint ending
    cdef list spares
    cdef Limits limits
    cdef Decoder decoder
    cdef int most_streams
    cdef uint32_t last
    cdef int preface
    cdef readonly bint settled      # the peer's settings have come
    cdef bint shrink
    cdef long long send_window
    cdef long long initial_window
    cdef uint32_t max_frame
    cdef long long receive_window
    cdef long long unreturned
    cdef long long extra
    cdef double patience
    cdef double worth               # patience that a frame with content restores
    cdef double relaxed
    cdef dict forgotten
    # The frame of DATA that is being read:
    cdef H2Stream into
    cdef Py_ssize_t content_left
    cdef Py_ssize_t padding_left
    cdef bint ends
    # The block that is being put together:
    cdef bytearray block
    cdef uint32_t block_of
    cdef int block_flags
    cdef int block_frames
    cdef bint block_bad

    cpdef begin(self, int seen)
    cpdef int next(self, Buffer source) except -1
    cdef int _frame(self, int kind, int flags, uint32_t id, const uint8_t *p, Py_ssize_t n) except -1
    cdef int _data(self, Buffer source) except -1
    cdef int _begin_data(self, int flags, uint32_t id, Py_ssize_t length, Py_ssize_t padding) except -1
    cdef int _headers(self, int flags, uint32_t id, const uint8_t *p, Py_ssize_t n) except -1
    cdef int _continuation(self, int flags, const uint8_t *p, Py_ssize_t n) except -1
    cdef int _new(self, uint32_t id, bint ended, Py_ssize_t n, bint bad) except -1
    cdef int _skip(self) except -1
    cdef int _further(self, H2Stream stream, bint ended, bint bad) except -1
    cdef int _setting(self, int name, uint32_t value) except -1
    cdef int _goaway(self, uint32_t last, int code) except -1
    cdef int _head(self, uint32_t id, bint ended, const uint8_t *p, Py_ssize_t n, bint bad) except -1
    cdef int _trailers(self, H2Stream stream, bint ended) except -1
    cdef int _end(self, H2Stream stream) except -1
    cdef int _settings(self, int flags, const uint8_t *p, Py_ssize_t n) except -1
    cdef int _window_update(self, uint32_t id, uint32_t n) except -1
    cdef int _ping(self, int flags, const uint8_t *p) except -1
    cdef int _priority_update(self, const uint8_t *p, Py_ssize_t n) except -1
    cdef int _reset_stream(self, uint32_t id, int code) except -1
    cdef int _fault(self, H2Stream stream, int code) except -1
    cdef int _annoy(self, double cost) except -1
    cdef void _please(self, double gain) noexcept
    cdef void _close(self, H2Stream stream)
    cdef void _finished(self, H2Stream stream)
    cdef int _forget(self, uint32_t id) except -1
    cdef uint8_t *_put_frame(self, int kind, int flags, uint32_t id, Py_ssize_t n) except NULL
    cdef int _put_block(self, H2Stream stream, Py_ssize_t at, bint end) except -1
    cdef Py_ssize_t _put_data(self, H2Stream stream, const char *p, Py_ssize_t n, bint last) except -1
    cpdef relax(self, double now)
    cpdef head(self, H2Stream stream, Message response, bytes added, long long length, bint end)
    cpdef reply(self, H2Stream stream, int status, bytes fields, long long length, bint end)
    cpdef Py_ssize_t send_from(self, H2Stream stream, Buffer source, Py_ssize_t n, bint last) except -1
    cpdef Py_ssize_t send(self, H2Stream stream, bytes data, Py_ssize_t at, bint last) except -1
    cpdef finish(self, H2Stream stream, FieldLines trailers)
    cpdef reset(self, H2Stream stream, int code)
    cpdef consumed(self, H2Stream stream, Py_ssize_t n)
    cpdef done(self, H2Stream stream)
    cpdef go_away(self, int code, bint last)
    cdef Py_ssize_t _begin_block(self) except -1
