# cython: language_level=3
"""One end of an HTTP/2 connection (RFC 9113): bytes in, events out, frames to be sent in an `Outbox`. This is the
server's end, for connections of clients; `edge.data.http.h2._client` is the client's end, for connections to endpoints.

Rules of this file:
- It knows no sockets, no greenlets and no clock. `next` reads up to the next event; frames that need an answer are
  answered at once.
- The rules of the RFC are enforced: a stream error resets the stream, a connection error is raised. Reserved bits and
  unknown frames are ignored.
- Content is passed on as it arrives, however large the frame. Unconsumed content is bounded by the window of its
  stream; the window of the connection never blocks a stream because of another.
- Patience is a budget: frames that cost work and carry nothing reduce it, useful ones and time restore it. When it is
  used up the connection ends (ENHANCE_YOUR_CALM), so that a flood costs no more than the same bytes of requests.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcmp, memcpy, memmove

from edge.data.http._fields cimport FieldLines, Limits
from edge.data.http._message cimport Message
from edge.data.http._names cimport in_responses, in_trailers
from edge.data.http.h2._hpack cimport Decoder
from edge.data.http.h2._request cimport MALFORMED, RequestHead, read_trailers
from edge.data.http.h2._streams cimport H2Stream, OpenStreams
from edge.data.http.h2._writing cimport put_fields, put_length, put_lines, put_status
from edge.data.net._buffer cimport Buffer
from edge.data.net._outbox cimport Outbox

from edge.data.http.h2.errors import ErrorCode, Http2Error

cdef double PATIENCE = 2000
cdef double RESTORED = 50         # a second
cdef double RESET_COST = 10

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(
    NO_EVENT, HEAD_COME, HEAD_FAULTY, DATA_COME, MESSAGE_ENDED, STREAM_RESET, WINDOW_OPEN, ALL_COME, PEER_LEAVING,
) = range(9)
"""`Event`, by names of Python."""
DRAINING = b"draining"


cdef error(int code, str reason):
    return Http2Error(ErrorCode(code), reason)


cdef void _rank(H2Stream stream):
    """Set the priority of STREAM to that of its request."""
    cdef RequestHead head = <RequestHead>stream.head
    stream.urgency = head.urgency
    stream.whole = head.prioritized and not head.incremental


cdef class Session:
    """The state of one connection.

    - `streams`: those that are open, by number. `running`: the number of those that are being served; `highest`: the
      newest id.
    - `stream`, `count`: what the last event is about. `ending`: no further stream is accepted.
    """

    def __init__(self, list spares not None, Limits limits not None, int most_streams):
        """SPARES: streams to reuse, shared by all connections. LIMITS: of heads. MOST_STREAMS: concurrent streams."""
        self.out = Outbox()
        self.streams = OpenStreams()
        self.spares = spares
        self.limits = limits
        self.most_streams = most_streams
        self.decoder = Decoder()
        self.send_window = self.initial_window = DEFAULT_WINDOW
        self.max_frame = LARGEST_FRAME
        self.receive_window = CONNECTION_WINDOW
        self.patience = PATIENCE
        self.relaxed = -1
        self.forgotten = {}
        self.worth = 0

    cpdef begin(self, int seen):
        """Put the settings. SEEN bytes of the client's preface have been read already."""
        cdef uint8_t *p = self._put_frame(F_SETTINGS, 0, 0, 24)
        cdef int i
        cdef uint32_t[4] values = [self.most_streams, self.limits.head, 1, 1]
        cdef int[4] names = [MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_SIZE, ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES]
        for i in range(4):
            p[6 * i] = 0
            p[6 * i + 1] = names[i]
            put_number(p + 6 * i + 2, values[i])
        put_number(self._put_frame(F_WINDOW_UPDATE, 0, 0, 4), CONNECTION_WINDOW - DEFAULT_WINDOW)
        self.preface = seen

    @property
    def in_head(self):
        """Whether a head has begun and is not complete."""
        return self.block_of != 0

    # --- reading --------------------------------------------------------------------------------------------------

    cpdef int next(self, Buffer source) except -1:
        """Read from SOURCE up to the next event, `Event`.

        Raises:
            Http2Error: a connection error.
        """
        cdef const uint8_t *p
        cdef Py_ssize_t have, length
        cdef int kind, event
        cdef uint32_t id
        while True:
            if self.content_left or self.padding_left or self.ends:
                event = self._data(source)
                if event or source.start == source.end:
                    return event
                continue
            have = source.end - source.start
            p = <const uint8_t *>source.data + source.start
            if self.preface < 24:
                if not have:
                    return NOTHING
                length = min(have, 24 - self.preface)
                if memcmp(p, PyBytes_AS_STRING(PREFACE) + self.preface, length) != 0:
                    raise error(PROTOCOL_ERROR, "not HTTP/2")
                self.preface += length
                source.start += length
                continue
            if have < FRAME_HEAD:
                return NOTHING
            length = <Py_ssize_t>p[0] << 16 | <Py_ssize_t>p[1] << 8 | p[2]
            if length > LARGEST_FRAME:
                raise error(FRAME_SIZE_ERROR, "a frame is too large")
            kind = p[3]
            id = number(p + 5) & 0x7FFFFFFF
            if self.block_of and (kind != F_CONTINUATION or id != self.block_of):
                raise error(PROTOCOL_ERROR, "a head is not continued")
            if not self.settled and (kind != F_SETTINGS or p[4] & ACK):
                raise error(PROTOCOL_ERROR, "the first frame is not SETTINGS")
            if kind == F_DATA:
                if p[4] & PADDED:
                    if have < FRAME_HEAD + 1 and length:
                        return NOTHING
                    if length == 0 or p[FRAME_HEAD] >= length:
                        raise error(PROTOCOL_ERROR, "more padding than frame")
                    source.start += FRAME_HEAD + 1
                    event = self._begin_data(p[4], id, length, p[FRAME_HEAD] + 1)
                else:
                    source.start += FRAME_HEAD
                    event = self._begin_data(p[4], id, length, 0)
            else:
                if have < FRAME_HEAD + length:
                    return NOTHING
                source.start += FRAME_HEAD + length
                event = self._frame(kind, p[4], id, p + FRAME_HEAD, length)
            if event:
                return event

    cdef int _frame(self, int kind, int flags, uint32_t id, const uint8_t *p, Py_ssize_t n) except -1:
        """Read a whole frame, with a payload of N bytes at P; returns its event."""
        if kind == F_HEADERS:
            return self._headers(flags, id, p, n)
        if kind == F_CONTINUATION:
            return self._continuation(flags, p, n)
        if kind == F_WINDOW_UPDATE:
            if n != 4:
                raise error(FRAME_SIZE_ERROR, "a WINDOW_UPDATE of another size")
            return self._window_update(id, number(p) & 0x7FFFFFFF)
        if kind == F_RST_STREAM:
            if n != 4:
                raise error(FRAME_SIZE_ERROR, "a RST_STREAM of another size")
            return self._reset_stream(id, number(p))
        if kind == F_PRIORITY:
            if id == 0:
                raise error(PROTOCOL_ERROR, "PRIORITY of the connection")
            if n != 5:
                return self._fault_of(id, FRAME_SIZE_ERROR)
            if number(p) & 0x7FFFFFFF == id:
                return self._fault_of(id, PROTOCOL_ERROR)
            self._annoy(1)
            return NOTHING
        if kind == F_PUSH_PROMISE:
            raise error(PROTOCOL_ERROR, "push is not enabled")
        if kind > F_CONTINUATION and kind != F_PRIORITY_UPDATE:
            self._annoy(1)
            return NOTHING
        # What follows is about the connection.
        if id:
            raise error(PROTOCOL_ERROR, "a frame of the connection names a stream")
        if kind == F_SETTINGS:
            return self._settings(flags, p, n)
        if kind == F_PING:
            if n != 8:
                raise error(FRAME_SIZE_ERROR, "a PING of another size")
            return self._ping(flags, p)
        if kind == F_PRIORITY_UPDATE:
            return self._priority_update(p, n)
        if n < 8:
            raise error(FRAME_SIZE_ERROR, "a GOAWAY of another size")
        return self._goaway(number(p) & 0x7FFFFFFF, number(p + 4))

    # --- content --------------------------------------------------------------------------------------------------

    cdef int _begin_data(self, int flags, uint32_t id, Py_ssize_t length, Py_ssize_t padding) except -1:
        """Begin a DATA frame of LENGTH bytes, with PADDING and its length."""
        cdef H2Stream stream = self.streams.find(id)
        if id == 0 or id & 1 == 0 or id > self.highest:
            raise error(PROTOCOL_ERROR, "DATA of a stream that is idle")
        if length > self.receive_window:
            raise error(FLOW_CONTROL_ERROR, "more than the window of the connection")
        self.receive_window -= length
        if self.receive_window < CONNECTION_WINDOW - WINDOW_STEP:
            put_number(self._put_frame(F_WINDOW_UPDATE, 0, 0, 4), CONNECTION_WINDOW - self.receive_window)
            self.receive_window = CONNECTION_WINDOW
        self.into = None
        self.ends = False
        self.content_left = length - padding
        self.padding_left = padding - 1 if padding else 0
        if length - padding:
            self._please(self.worth)
        elif not flags & END_STREAM:
            self._annoy(1)
        if stream is None:
            if id not in self.forgotten:
                self._annoy(RESET_COST)
                put_number(self._put_frame(F_RST_STREAM, 0, id, 4), STREAM_CLOSED)
                self._forget(id)
            else:
                self._annoy(1)
            return NOTHING
        if stream.remote_ended:
            return self._fault(stream, STREAM_CLOSED)
        if length > stream.receive_window:
            return self._fault(stream, FLOW_CONTROL_ERROR)
        stream.receive_window -= length
        stream.received += FRAME_HEAD + length
        stream.arrived += length - padding
        if stream.expected >= 0 and stream.arrived > stream.expected:
            return self._fault(stream, PROTOCOL_ERROR)
        if padding:
            self.consumed(stream, padding)
        self.into = stream
        self.ends = flags & END_STREAM
        return NOTHING

    cdef int _data(self, Buffer source) except -1:
        """Continue to read a DATA frame."""
        cdef Py_ssize_t n = min(source.end - source.start, self.content_left)
        cdef H2Stream stream = self.into
        if stream is not None and stream.closed:
            stream = self.into = None
        if stream is None:
            self.ends = False
        if self.content_left:
            self.content_left -= n
            if stream is None:
                source.start += n
                return NOTHING
            if n == 0:
                return NOTHING
            if self.content_left == 0 and self.ends and self.padding_left == 0:
                self.ends = False
                if self._end(stream) == RESET:
                    source.start += n
                    return RESET
            self.stream = stream
            self.count = n
            return DATA
        if self.padding_left:
            n = min(source.end - source.start, self.padding_left)
            self.padding_left -= n
            source.start += n
            if self.padding_left:
                return NOTHING
        if self.ends:
            self.ends = False
            return self._end(stream)
        return NOTHING

    cdef int _end(self, H2Stream stream) except -1:
        """The incoming message of STREAM is complete."""
        if stream.expected >= 0 and stream.arrived != stream.expected:
            return self._fault(stream, PROTOCOL_ERROR)
        stream.remote_ended = True
        if stream.local_ended:
            self._close(stream)
        self.stream = stream
        return ENDED

    # --- heads ----------------------------------------------------------------------------------------------------

    cdef int _headers(self, int flags, uint32_t id, const uint8_t *p, Py_ssize_t n) except -1:
        cdef Py_ssize_t padding = 0
        cdef bint bad = False
        if id & 1 == 0:
            raise error(PROTOCOL_ERROR, "HEADERS of a stream that no client opens")
        if flags & PADDED:
            if n == 0:
                raise error(FRAME_SIZE_ERROR, "HEADERS without their padding")
            padding = p[0]
            p += 1
            n -= 1
        if flags & PRIORITY:
            if n < 5:
                raise error(FRAME_SIZE_ERROR, "HEADERS without their priority")
            bad = number(p) & 0x7FFFFFFF == id
            p += 5
            n -= 5
        if padding > n:
            raise error(PROTOCOL_ERROR, "more padding than frame")
        n -= padding
        if flags & END_HEADERS:
            return self._head(id, flags & END_STREAM, p, n, bad)
        self.block = bytearray(p[:n])
        self.block_of = id
        self.block_flags = flags
        self.block_frames = 0
        self.block_bad = bad
        return NOTHING

    cdef int _continuation(self, int flags, const uint8_t *p, Py_ssize_t n) except -1:
        cdef bytes block
        cdef uint32_t id = self.block_of
        if not id:
            raise error(PROTOCOL_ERROR, "CONTINUATION of nothing")
        self.block_frames += 1
        if self.block_frames > MOST_CONTINUATIONS or len(self.block) + n > 4 * self.limits.head + LARGEST_FRAME:
            raise error(ENHANCE_YOUR_CALM, "a head without end")
        self.block += p[:n]
        if not flags & END_HEADERS:
            return NOTHING
        block = bytes(self.block)
        self.block = None
        self.block_of = 0
        return self._head(
            id, self.block_flags & END_STREAM, <const uint8_t *>PyBytes_AS_STRING(block), len(block), self.block_bad
        )

    cdef int _head(self, uint32_t id, bint ended, const uint8_t *p, Py_ssize_t n, bint bad) except -1:
        """Read a whole block: a head, or trailers."""
        cdef H2Stream stream = self.streams.find(id)
        self.decoder.begin(p, n)
        if stream is not None:
            stream.received += FRAME_HEAD + n
            return self._further(stream, ended, bad)
        return self._new(id, ended, n, bad)

    cdef int _new(self, uint32_t id, bint ended, Py_ssize_t n, bint bad) except -1:
        """The block of N bytes that the decoder has begun is for no open stream: it may open one."""
        cdef H2Stream stream
        cdef RequestHead head
        if id <= self.highest and id not in self.forgotten:
            if self.skipped_after < id < self.skipped_before:
                raise error(PROTOCOL_ERROR, "HEADERS of a stream that is older than the newest")
            raise error(STREAM_CLOSED, "HEADERS of a stream that is closed")
        if id <= self.highest:
            return self._skip()
        if id > self.highest + 2:
            self.skipped_after = self.highest
            self.skipped_before = id
        self.highest = id
        if self.ending:
            self._forget(id)
            return self._skip()
        if self.running >= self.most_streams:
            self._skip()
            self._annoy(RESET_COST)
            put_number(self._put_frame(F_RST_STREAM, 0, id, 4), REFUSED_STREAM)
            self._forget(id)
            return NOTHING
        stream = self.spares.pop() if self.spares else H2Stream(RequestHead())
        stream.begin(id, self.initial_window)
        stream.received = FRAME_HEAD + n
        stream.remote_ended = ended
        head = <RequestHead>stream.head
        head.read(self.decoder, self.limits, ended)
        if bad:
            head.fault = MALFORMED
        stream.expected = head.length
        _rank(stream)
        self.streams.add(stream)
        self.running += 1
        self.stream = stream
        if head.fault:
            self._annoy(RESET_COST)
            if head.fault == MALFORMED:
                self.reset(stream, PROTOCOL_ERROR)
            return FAULTY
        return HEAD

    cdef int _skip(self) except -1:
        """Read the block of a closed stream, so that the tables of the two sides stay the same."""
        while self.decoder.next():
            pass
        return NOTHING

    cdef int _further(self, H2Stream stream, bint ended, bint bad) except -1:
        """The block that the decoder has begun is for STREAM, which is open."""
        return self._trailers(stream, ended)

    cdef int _trailers(self, H2Stream stream, bint ended) except -1:
        cdef FieldLines lines = stream.spare_section()
        cdef bint good = read_trailers(self.decoder, self.limits, lines)
        if stream.remote_ended:
            return self._fault(stream, STREAM_CLOSED)
        if not good or not ended:
            return self._fault(stream, PROTOCOL_ERROR)
        stream.trailers = lines if lines.field_count else None
        return self._end(stream)

    # --- what is not about messages -------------------------------------------------------------------------------

    cdef int _settings(self, int flags, const uint8_t *p, Py_ssize_t n) except -1:
        cdef Py_ssize_t i
        cdef int name
        cdef uint32_t value
        cdef bint wider = False
        if flags & ACK:
            if n:
                raise error(FRAME_SIZE_ERROR, "an acknowledgement with settings")
            self._annoy(1)
            return NOTHING
        if n % 6:
            raise error(FRAME_SIZE_ERROR, "SETTINGS of another size")
        if self.settled:
            self._annoy(RESET_COST)
        self.settled = True
        for i in range(0, n, 6):
            name = p[i] << 8 | p[i + 1]
            value = number(p + i + 2)
            if name == HEADER_TABLE_SIZE:
                self.shrink = self.shrink or value < 4096
            elif name == ENABLE_PUSH or name == ENABLE_CONNECT_PROTOCOL or name == NO_RFC7540_PRIORITIES:
                if value > 1:
                    raise error(PROTOCOL_ERROR, "a setting that is neither 0 nor 1")
            elif name == INITIAL_WINDOW_SIZE:
                if value > LARGEST_WINDOW:
                    raise error(FLOW_CONTROL_ERROR, "a window too large")
                wider = self._widen(<long long>value - self.initial_window) or wider
                self.initial_window = value
            elif name == MAX_FRAME_SIZE:
                if not 16384 <= value <= 16777215:
                    raise error(PROTOCOL_ERROR, "a frame size out of range")
            self._setting(name, value)
        self._put_frame(F_SETTINGS, ACK, 0, 0)
        self.stream = None
        return WINDOW if wider else NOTHING

    cdef int _setting(self, int name, uint32_t value) except -1:
        """The peer has set NAME to the valid VALUE."""
        return 0

    cdef int _goaway(self, uint32_t last, int code) except -1:
        """The peer has sent GOAWAY."""
        self._annoy(1)
        return NOTHING

    def _widen(self, long long by):
        """Widen the windows of all streams BY so much; returns whether they are wider."""
        for one in self.streams.values():
            stream = <H2Stream>one
            stream.send_window += by
            if stream.send_window > LARGEST_WINDOW:
                raise error(FLOW_CONTROL_ERROR, "a window too large")
        return by > 0

    cdef int _window_update(self, uint32_t id, uint32_t n) except -1:
        cdef H2Stream stream = None
        self._annoy(1)
        if id:
            if id & 1 == 0 or id > self.highest:
                raise error(PROTOCOL_ERROR, "WINDOW_UPDATE of a stream that is idle")
            stream = self.streams.find(id)
            if stream is None:
                return NOTHING
            if n == 0:
                return self._fault(stream, PROTOCOL_ERROR)
            stream.send_window += n
            if stream.send_window > LARGEST_WINDOW:
                return self._fault(stream, FLOW_CONTROL_ERROR)
        else:
            if n == 0:
                raise error(PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
            self.send_window += n
            if self.send_window > LARGEST_WINDOW:
                raise error(FLOW_CONTROL_ERROR, "a window too large")
        self.stream = stream
        return WINDOW

    cdef int _ping(self, int flags, const uint8_t *p) except -1:
        self._annoy(2)
        if flags & ACK:
            return DRAINED if memcmp(p, PyBytes_AS_STRING(DRAINING), 8) == 0 else NOTHING
        memcpy(self._put_frame(F_PING, ACK, 0, 8), p, 8)
        return NOTHING

    cdef int _priority_update(self, const uint8_t *p, Py_ssize_t n) except -1:
        """RFC 9218, section 7.1; of a stream that is not open yet, or no more, it is ignored."""
        cdef H2Stream stream
        cdef RequestHead head
        cdef uint32_t id
        self._annoy(1)
        if n < 4:
            raise error(FRAME_SIZE_ERROR, "a PRIORITY_UPDATE of another size")
        id = number(p) & 0x7FFFFFFF
        if id & 1 == 0:
            raise error(PROTOCOL_ERROR, "PRIORITY_UPDATE of a stream that no client opens")
        stream = self.streams.find(id)
        if stream is not None:
            head = <RequestHead>stream.head
            head.urgency = USUAL
            head.incremental = False
            head.prioritize(<const char *>p + 4, n - 4)
            _rank(stream)
        return NOTHING

    cdef int _reset_stream(self, uint32_t id, int code) except -1:
        cdef H2Stream stream
        if id & 1 == 0 or id > self.highest:
            raise error(PROTOCOL_ERROR, "RST_STREAM of a stream that is idle")
        stream = self.streams.find(id)
        if stream is None:
            self.forgotten.pop(id, None)
            self._annoy(1)
            return NOTHING
        self._annoy(RESET_COST)
        stream.code = code
        self._close(stream)
        self.stream = stream
        return RESET

    def _fault_of(self, uint32_t id, int code):
        """An error, CODE, of the stream ID; of the connection where there is no such stream."""
        cdef H2Stream stream = self.streams.find(id)
        if stream is None:
            raise error(code, "a malformed frame")
        return self._fault(stream, code)

    cdef int _fault(self, H2Stream stream, int code) except -1:
        """STREAM ends with the error CODE, caused by the peer."""
        self._annoy(RESET_COST)
        stream.code = code
        stream.faulty = True
        self.reset(stream, code)
        self.stream = stream
        return RESET

    cdef int _annoy(self, double cost) except -1:
        self.patience -= cost
        if self.patience < 0:
            raise error(ENHANCE_YOUR_CALM, "too many frames that carry nothing")
        return 0

    cdef void _please(self, double gain) noexcept:
        self.patience = min(self.patience + gain, PATIENCE)

    cpdef relax(self, double now):
        """Restore patience for the time until NOW, in seconds of any clock."""
        if self.relaxed >= 0:
            self._please((now - self.relaxed) * RESTORED)
        self.relaxed = now

    cdef void _close(self, H2Stream stream):
        stream.closed = True
        self.streams.remove(stream)

    cdef int _forget(self, uint32_t id) except -1:
        """Remember that this side has reset ID: frames that the client has sent before it knows are ignored."""
        self.forgotten[id] = None
        if len(self.forgotten) > MOST_FORGOTTEN:
            del self.forgotten[next(iter(self.forgotten))]
        return 0

    # --- writing --------------------------------------------------------------------------------------------------

    cdef uint8_t *_put_frame(self, int kind, int flags, uint32_t id, Py_ssize_t n) except NULL:
        """Put the head of a frame; returns the place for its N bytes."""
        cdef uint8_t *p = <uint8_t *>self.out.room(FRAME_HEAD + n)
        p[0] = n >> 16 & 255
        p[1] = n >> 8 & 255
        p[2] = n & 255
        p[3] = kind
        p[4] = flags
        put_number(p + 5, id)
        self.out.end += FRAME_HEAD + n
        return p + FRAME_HEAD

    cdef int _put_block(self, H2Stream stream, Py_ssize_t at, bint end) except -1:
        """Give the block that stands AT this place behind the start of the output, with room for the head of a frame
        before it, its frames; END: it ends the stream."""
        cdef Outbox out = self.out
        cdef Py_ssize_t n = out.end - out.start - at - FRAME_HEAD, cut = 0, size
        cdef uint8_t *p
        stream.sent += FRAME_HEAD + n
        while True:
            size = min(n - cut, LARGEST_FRAME)
            p = <uint8_t *>out.data + out.start + at
            p[0] = size >> 16
            p[1] = size >> 8 & 255
            p[2] = size & 255
            p[3] = F_CONTINUATION if cut else F_HEADERS
            p[4] = (END_HEADERS if cut + size == n else 0) | (END_STREAM if end and not cut else 0)
            put_number(p + 5, stream.id)
            cut += size
            if cut == n:
                break
            # The rest moves behind the head of the next frame.
            out.room(FRAME_HEAD)
            p = <uint8_t *>out.data + out.start + at + FRAME_HEAD + size
            memmove(p + FRAME_HEAD, p, n - cut)
            out.end += FRAME_HEAD
            at += FRAME_HEAD + size
        if end:
            self._finished(stream)
        return 0

    cdef void _finished(self, H2Stream stream):
        """The outgoing message of STREAM is complete."""
        stream.local_ended = True
        self._please(RESET_COST)
        if stream.remote_ended:
            self._close(stream)

    cdef Py_ssize_t _begin_block(self) except -1:
        """Where a block begins, behind the start of the output."""
        cdef Py_ssize_t at = len(self.out)
        self.out.room(FRAME_HEAD + 1)
        self.out.end += FRAME_HEAD
        if self.shrink:
            # The client's table is smaller than ours could be; ours is not used (RFC 7541, section 4.2).
            self.shrink = False
            self.out.put(b"\x20", 1)
        return at

    cpdef head(self, H2Stream stream, Message response, bytes added, long long length, bint end):
        """Put the head of RESPONSE, with ADDED as further field lines and a LENGTH of content, below 0: unknown. END:
        without content."""
        cdef Py_ssize_t at = self._begin_block()
        put_status(self.out, 200 if response.status == 101 else response.status)
        put_fields(self.out, response, in_responses)
        put_lines(self.out, added)
        if length >= 0:
            put_length(self.out, length)
        self._put_block(stream, at, end)

    cpdef reply(self, H2Stream stream, int status, bytes fields, long long length, bint end):
        """Put a head of STATUS with FIELDS, complete field lines; LENGTH and END as for `head`."""
        cdef Py_ssize_t at = self._begin_block()
        put_status(self.out, status)
        put_lines(self.out, fields)
        if length >= 0:
            put_length(self.out, length)
        self._put_block(stream, at, end)

    cpdef Py_ssize_t send_from(self, H2Stream stream, Buffer source, Py_ssize_t n, bint last) except -1:
        """Put the first N bytes of SOURCE, or as many as fit into one frame and the windows, and consume them; returns
        how many. LAST: they are the end."""
        cdef Py_ssize_t put = self._put_data(stream, source.data + source.start, n, last)
        source.start += put
        return put

    cpdef Py_ssize_t send(self, H2Stream stream, bytes data, Py_ssize_t at, bint last) except -1:
        """As `send_from`, of the bytes AT and behind in DATA."""
        return self._put_data(stream, PyBytes_AS_STRING(data) + at, PyBytes_GET_SIZE(data) - at, last)

    cdef Py_ssize_t _put_data(self, H2Stream stream, const char *p, Py_ssize_t n, bint last) except -1:
        cdef Py_ssize_t put = min(min(n, LARGEST_FRAME), min(stream.send_window, self.send_window))
        if put <= 0 and n > 0:
            return 0
        if put < n and put < DRIBBLE:
            self._annoy(1)
        last = last and put == n
        memcpy(self._put_frame(F_DATA, END_STREAM if last else 0, stream.id, put), p, put)
        stream.send_window -= put
        self.send_window -= put
        stream.sent += FRAME_HEAD + put
        self._please(max(put / 1024.0, self.worth))
        if last:
            self._finished(stream)
        return put

    cpdef finish(self, H2Stream stream, FieldLines trailers):
        """End the message that goes on STREAM, with those TRAILERS that may be passed on (RFC 9110, 6.5.1)."""
        cdef Py_ssize_t at
        if trailers is None:
            self._put_frame(F_DATA, END_STREAM, stream.id, 0)
            stream.sent += FRAME_HEAD
            self._finished(stream)
        else:
            at = self._begin_block()
            put_fields(self.out, trailers, in_trailers)
            self._put_block(stream, at, True)

    cpdef reset(self, H2Stream stream, int code):
        """End STREAM with CODE."""
        if stream.closed:
            return
        put_number(self._put_frame(F_RST_STREAM, 0, stream.id, 4), code)
        self._close(stream)
        if not stream.remote_ended:
            self._forget(stream.id)

    cpdef consumed(self, H2Stream stream, Py_ssize_t n):
        """N bytes of content of STREAM have been consumed."""
        stream.unreturned += n
        if stream.remote_ended or stream.closed or 2 * stream.unreturned < stream.window:
            return
        if stream.unreturned == stream.window - stream.receive_window and stream.window < WIDE_WINDOW:
            # Everything that has arrived is consumed: only the round trip to the client limits the rate.
            if self.extra + stream.window <= MOST_EXTRA:
                self.extra += stream.window
                stream.unreturned += stream.window
                stream.window *= 2
        put_number(self._put_frame(F_WINDOW_UPDATE, 0, stream.id, 4), stream.unreturned)
        stream.receive_window += stream.unreturned
        stream.unreturned = 0

    cpdef done(self, H2Stream stream):
        """STREAM is not served any more: it may be reused."""
        self.running -= 1
        self.extra -= stream.window - DEFAULT_WINDOW
        stream.trailers = None

    cpdef go_away(self, int code, bint last):
        """Put GOAWAY with CODE. LAST: no further streams are accepted; otherwise they are until the client answers a PING,
        which shows that it has read the frame."""
        cdef uint8_t *p = self._put_frame(F_GOAWAY, 0, 0, 8)
        if last and not self.ending:
            self.last = self.highest
            self.ending = True
        put_number(p, self.last if last else LARGEST_WINDOW)
        put_number(p + 4, code)
        if not last:
            memcpy(self._put_frame(F_PING, 0, 0, 8), PyBytes_AS_STRING(DRAINING), 8)
