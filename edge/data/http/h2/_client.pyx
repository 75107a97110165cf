# cython: language_level=3
"""The client's end of an HTTP/2 connection (RFC 9113), for connections to endpoints.

Rules of this file:
- It is a `Session` with the other half of the rules: this end opens the streams, and heads that come are responses.
- A response of status 1xx is a `HEAD` event of its own; its handler takes over the head with `renew`.
- The peer has processed nothing of streams that it refuses (sections 6.8 and 8.7): they may be retried elsewhere.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from edge.data.http._fields cimport Limits
from edge.data.http._message cimport Outgoing
from edge.data.http.h2._response cimport ResponseHead
from edge.data.http.h2._session cimport (
    ACK, CONNECTION_WINDOW, DEFAULT_WINDOW, ENABLE_CONNECT_PROTOCOL, ENABLE_PUSH, ENDED, F_GOAWAY, F_PING, F_SETTINGS, F_WINDOW_UPDATE, HEAD,
    LEAVING, MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_SIZE, NOTHING, PROTOCOL_ERROR, RESET, Session, error, put_number,
)
from edge.data.http.h2._streams cimport H2Stream
from edge.data.http.h2._writing cimport put_request

from edge.data.http.h2._session import PREFACE

cdef enum:
    LAST_ID = 0x7FFFFFFF
    UNLIMITED = 1 << 30

cdef double WORTH = 3  # of frames with content: servers answer some of them with PING and WINDOW_UPDATE


def new_stream():
    """A stream for requests to endpoints."""
    return H2Stream(ResponseHead())


cdef class ClientSession(Session):
    """The state of one connection to an endpoint."""

    def __init__(self, Limits limits not None, int most_streams):
        """LIMITS: of the heads of responses. MOST_STREAMS: concurrent streams, even if the peer allows more."""
        super().__init__([], limits, most_streams)
        self.refused = []
        self.allowed = UNLIMITED
        self.next_id = 1
        self.preface = 24  # the peer sends frames only
        self.worth = WORTH

    cpdef begin(self, int seen):
        """Put the preface and settings."""
        cdef uint8_t *p
        self.out.write(PREFACE)
        p = self._put_frame(F_SETTINGS, 0, 0, 12)
        p[0] = p[6] = 0
        p[1] = ENABLE_PUSH
        put_number(p + 2, 0)
        p[7] = MAX_HEADER_LIST_SIZE
        put_number(p + 8, self.limits.head)
        put_number(self._put_frame(F_WINDOW_UPDATE, 0, 0, 4), CONNECTION_WINDOW - DEFAULT_WINDOW)

    cpdef Py_ssize_t room(self):
        """How many further streams may be opened now."""
        if self.leaving or self.ending or self.next_id >= LAST_ID:
            return 0
        return min(self.allowed, self.most_streams) - self.running

    cpdef open(self, H2Stream stream, Outgoing request, bytes scheme, bint end, bytes protocol=b""):
        """Open STREAM with the head of REQUEST, for an URI of SCHEME; END: without content. PROTOCOL: the one that the
        stream is to carry (RFC 8441)."""
        cdef Py_ssize_t at
        stream.begin(self.next_id, self.initial_window)
        stream.bodiless = request.method == b"HEAD"
        self.highest = self.next_id
        self.next_id += 2
        self.streams.add(stream)
        self.running += 1
        at = self._begin_block()
        put_request(self.out, request, scheme, protocol)
        self._put_block(stream, at, end)

    cpdef renew(self, H2Stream stream):
        """Replace the head of STREAM, so that the next one does not overwrite it."""
        head = stream.head
        stream.head = ResponseHead()
        return head

    cpdef ping(self):
        """Put PING."""
        memcpy(self._put_frame(F_PING, 0, 0, 8), b"is there", 8)

    cpdef go_away(self, int code, bint last):
        """Put GOAWAY with CODE: this end opens no further streams; the peer may not open any."""
        cdef uint8_t *p = self._put_frame(F_GOAWAY, 0, 0, 8)
        self.ending = True
        put_number(p, 0)
        put_number(p + 4, code)

    # --- reading --------------------------------------------------------------------------------------------------

    cdef int _new(self, uint32_t id, bint ended, Py_ssize_t n, bint bad) except -1:
        if id > self.highest:
            raise error(PROTOCOL_ERROR, "HEADERS of a stream that is idle")
        self._annoy(1)
        return self._skip()

    cdef int _further(self, H2Stream stream, bint ended, bint bad) except -1:
        cdef ResponseHead head
        if stream.answered:
            return self._trailers(stream, ended)
        head = <ResponseHead>stream.head
        head.read(self.decoder, self.limits)
        if bad or (head.status < 200 and ended):
            head.fault = head.fault or "an interim response that ends its stream"
        if head.fault is not None or stream.remote_ended:
            return self._fault(stream, PROTOCOL_ERROR)
        if head.status >= 200:
            stream.answered = True
            bodiless = stream.bodiless or head.status == 204 or head.status == 304
            stream.expected = 0 if bodiless else head.length
        if ended and self._end(stream) != ENDED:
            return RESET
        self.stream = stream
        return HEAD

    cdef int _setting(self, int name, uint32_t value) except -1:
        if name == MAX_CONCURRENT_STREAMS:
            self.allowed = value
        elif name == ENABLE_PUSH and value:
            raise error(PROTOCOL_ERROR, "a server cannot be pushed to")
        elif name == ENABLE_CONNECT_PROTOCOL:
            self.connects = value
        return 0

    cdef int _ping(self, int flags, const uint8_t *p) except -1:
        self._annoy(0 if flags & ACK else 2)
        if not flags & ACK:
            memcpy(self._put_frame(F_PING, ACK, 0, 8), p, 8)
        return NOTHING

    cdef int _goaway(self, uint32_t last, int code) except -1:
        cdef H2Stream stream
        self._annoy(1)
        self.leaving = True
        for one in self.streams.values():
            stream = <H2Stream>one
            if stream.id > last:
                self._close(stream)
                self.refused.append(stream)
        self.stream = None
        return LEAVING
