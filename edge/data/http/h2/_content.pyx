# cython: language_level=3
"""The content of a message of HTTP/2 between the connection that reads it and the stream that consumes it.

Rules of this file:
- Bytes that arrive are kept apart from those that are being consumed, because a waiting consumer refers to its buffer.
- A small piece, such as most gRPC messages, needs no block, so that many concurrent streams fit into the processor's
  caches.
- The window of the stream bounds both; it is restored when bytes have been consumed.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from edge.data.http._content cimport Content
from edge.data.http.h2._session cimport Session
from edge.data.http.h2._streams cimport H2Stream
from edge.data.http.h2.sending cimport Carrier
from edge.data.net._buffer cimport EDGE_BLOCK, Buffer
from edge.data.net._waiter cimport Waiter

cdef enum:
    LITTLE = 4096

TRAILERS = b"\r\n"


cdef class Inbox(Content):
    """The content of one stream after another, in `buffer`.

    `timeout`: seconds of silence. `broken`: an error that is raised after the bytes that have arrived, in place of the
    rest. `trailers` says that there are some: they are fields of the stream.
    """

    def __cinit__(self):
        self.buffer = Buffer()
        self.waiter = Waiter()
        self.arrived = []
        self.trailers = b""

    cpdef begin(self, Session session, H2Stream stream, double timeout, Carrier carrier):
        """Begin with the content of STREAM in SESSION; CARRIER.schedule() sends the output of SESSION."""
        self.carrier = carrier
        self.session = session
        self.stream = stream
        self.timeout = timeout
        self.received = 0
        self.given = 0
        self.done = stream.remote_ended
        self.waiter.renew()
        self.broken = None
        self.trailers = b""

    cpdef take(self, Buffer source, Py_ssize_t n):
        """Move N bytes from the beginning of SOURCE to the content that has arrived."""
        cdef Buffer last
        cdef Py_ssize_t part
        if n <= LITTLE and self._empty():
            self.first = PyBytes_FromStringAndSize(source.data + source.start, n)
            source.start += n
            n = 0
        while n:
            last = self.arrived[len(self.arrived) - 1] if self.arrived else None
            if last is None or last.end == EDGE_BLOCK:
                last = Buffer()
                last.reserve()
                self.arrived.append(last)
            part = min(n, EDGE_BLOCK - last.end)
            memcpy(last.data + last.end, source.data + source.start, part)
            last.end += part
            source.start += part
            n -= part
        self.waiter.wake()

    cpdef Py_ssize_t fill(self) except -1:
        """As `Content`."""
        cdef Py_ssize_t n
        if self.given:
            self.session.consumed(self.stream, self.given)
            self.given = 0
            self.carrier.schedule()
        if self.waiter.failure is not None:
            raise self.waiter.failure
        while self._empty():
            if self.stream.remote_ended:
                self._end()
                return 0
            if self.broken is not None:
                raise self.broken
            self.waiter.wait(self.timeout)
        if self.first is not None:
            self._open()
        else:
            self.buffer = self.arrived.pop(0)
        n = self.buffer.end - self.buffer.start
        self.given = n
        self.received += n
        if self.stream.remote_ended and not self.arrived:
            self._end()
        return n

    cdef int _open(self) except -1:
        """Pass the oldest bytes that have arrived to the consumer."""
        cdef Buffer buffer = self.buffer
        cdef Py_ssize_t n = PyBytes_GET_SIZE(self.first)
        buffer.reserve()
        memcpy(buffer.data + buffer.end, PyBytes_AS_STRING(self.first), n)
        buffer.end += n
        self.first = None
        return 0

    cdef bint _empty(self) noexcept:
        """Whether all bytes that have arrived have been passed to the consumer."""
        return self.first is None and not self.arrived

    cdef _end(self):
        self.done = True
        if self.stream.trailers is not None:
            self.trailers = TRAILERS

    def has_come(self):
        """Whether some of it, or its end, has arrived."""
        return not self._empty() or self.received > 0 or self.stream.remote_ended

    cpdef bytes whole(self, Py_ssize_t most):
        """All of it, MOST bytes at most, if it has arrived, which consumes it; else None."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(self.first) if self.first is not None else 0
        cdef Buffer one
        if not self.stream.remote_ended:
            return None
        for one in self.arrived:
            size += one.end - one.start
        if size > most:
            return None
        text = self.first or b""
        self.first = None
        if self.arrived:
            text += b"".join([one.take(one.end - one.start) for one in self.arrived])
            self.arrived.clear()
        self.received += size
        self._end()
        return text

    cpdef bint holds(self):
        """Whether some of it has arrived and has not been consumed."""
        return not self._empty() or self.buffer.start != self.buffer.end

    cpdef bint finish(self):
        """As `Content`."""
        return self.done and self.buffer.start == self.buffer.end

    cpdef drop(self):
        """Drop bytes that have not been consumed."""
        self.first = None
        if self.arrived:
            self.arrived.clear()
        self.buffer.release()
        self.session = self.stream = self.carrier = None
