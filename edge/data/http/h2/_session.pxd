from libc.stdint cimport uint8_t, uint32_t

from edge.data.http._fields cimport FieldLines, Limits
from edge.data.http._message cimport Message
from edge.data.http.h2._hpack cimport Decoder
from edge.data.http.h2._request cimport RequestHead
from edge.data.net._buffer cimport Buffer
from edge.data.net._outbox cimport Outbox

cdef enum Event:
    NOTHING = 0     # more bytes are needed
    HEAD            # `stream` is new, and has its head
    FAULTY          # `stream` is new, and its head has a fault; where that is MALFORMED it has been reset
    DATA            # `count` bytes for `stream` are at the beginning of the source, and are to be taken from there
    ENDED           # the request of `stream` is complete, its trailers included
    RESET           # `stream` is no more
    WINDOW          # there is more room for content of `stream`, of all where it is None
    DRAINED         # what the client had sent before it knew that the connection ends has come

cdef class H2Stream:
    cdef readonly uint32_t id
    cdef readonly RequestHead head
    cdef public object owner
    cdef readonly FieldLines trailers
    cdef readonly long long send_window
    cdef readonly bint remote_ended
    cdef readonly bint local_ended
    cdef readonly bint closed
    cdef readonly long long received
    cdef readonly long long sent
    cdef long long window
    cdef long long receive_window
    cdef long long unreturned
    cdef long long arrived

    cdef void begin(self, uint32_t id, long long send_window) noexcept

cdef class Session:
    cdef readonly Outbox out
    cdef readonly dict streams
    cdef readonly H2Stream stream
    cdef readonly Py_ssize_t count
    cdef readonly int running
    cdef readonly uint32_t highest
    cdef readonly bint ending
    cdef list spares
    cdef Limits limits
    cdef Decoder decoder
    cdef int most_streams
    cdef uint32_t last
    cdef int preface
    cdef bint settled
    cdef bint shrink
    cdef long long send_window
    cdef long long initial_window
    cdef uint32_t max_frame
    cdef long long receive_window
    cdef long long unreturned
    cdef long long extra
    cdef double patience
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
    cdef int _head(self, uint32_t id, bint ended, const uint8_t *p, Py_ssize_t n, bint bad) except -1
    cdef int _trailers(self, H2Stream stream, bint ended) except -1
    cdef int _end(self, H2Stream stream) except -1
    cdef int _settings(self, int flags, const uint8_t *p, Py_ssize_t n) except -1
    cdef int _window_update(self, uint32_t id, uint32_t n) except -1
    cdef int _ping(self, int flags, const uint8_t *p) except -1
    cdef int _priority_update(self, const uint8_t *p, Py_ssize_t n) except -1
    cdef int _reset_stream(self, uint32_t id) except -1
    cdef int _fault(self, H2Stream stream, int code) except -1
    cdef int _annoy(self, double cost) except -1
    cdef void _please(self, double gain) noexcept
    cdef void _close(self, H2Stream stream)
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
