# cython: language_level=3
"""Bodies of HTTP/1.1 messages, read by their framing (RFC 9112, section 6 and 7).

Rules of this file:
- `fill` gives the number of content bytes that stand at the beginning of the stream's buffer; the reader consumes
  them there. Nothing is copied, except that chunks which arrived together are moved together.
- A body ends as its framing says or it is `Incomplete`; bytes behind its end are left alone.
- Chunked coding is taken strictly: no whitespace, CR LF only, sizes below 2^60, bounded extensions and trailers.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.string cimport memmove

from edge.data._stream cimport Buffer

from edge.data.errors import Incomplete, MessageError

cdef enum:
    MOST_EXTENSION = 4096   # bytes of chunk extensions in one body
    MOST_TRAILERS = 16384   # bytes of a trailer section

cdef enum State:
    SIZE = 0
    EXTENSION
    SIZE_LF
    DATA
    DATA_CR
    DATA_LF
    TRAILER
    END


cdef class Body:
    """The content that follows a head in `buffer`."""

    cdef readonly Buffer buffer
    cdef readonly bint done
    """Whether all of it has been seen."""
    cdef readonly long long received
    """Content bytes so far."""
    cdef public bytes trailers
    """The trailer section with the empty line at its end; empty when there is none."""
    cdef int kind               # 0 sized, 1 chunked, 2 until the end of the stream
    cdef long long remaining    # of the body, or of the chunk
    cdef State state
    cdef int digits
    cdef int extension
    cdef Py_ssize_t raw         # chunked: how far behind `buffer.start` undecoded bytes begin, -1: at it
    cdef int fault

    def __init__(self, Buffer buffer not None, bint request=True):
        """For all messages of one connection, one after another; REQUEST or response decides whose faults they are."""
        self.buffer = buffer
        self.fault = 400 if request else 502
        self.start(-1, False, False)

    cpdef start(self, long long length, bint chunked, bint until_end):
        """Begin the body of the next message: CHUNKED, or of LENGTH bytes, or UNTIL_END of the stream, or none."""
        self.trailers = b""
        self.raw = -1
        self.received = 0
        self.remaining = 0
        self.done = False
        self.state = SIZE
        self.digits = self.extension = 0
        if chunked:
            self.kind = 1
        elif length >= 0:
            self.kind = 0
            self.remaining = length
            self.done = length == 0
        else:
            self.kind = 2
            self.done = not until_end

    @property
    def whole(self):
        """Whether what is left of the body stands in the buffer already (told only of sized bodies)."""
        return self.done or (self.kind == 0 and self.buffer.end - self.buffer.start >= self.remaining)

    @property
    def left(self):
        """Bytes of a sized body that have not been given out; -1 where that is not known."""
        return self.remaining if self.kind == 0 else 0 if self.done else -1

    cpdef Py_ssize_t fill(self) except -1:
        """Content bytes at the start of the buffer, more of them if there were none; 0 at the end of the body.

        All that the last call announced must have been consumed.

        Raises:
            MessageError: the coding is broken.
            Incomplete: the stream ended first.
            StreamError: the stream broke or was silent for too long.
        """
        cdef Py_ssize_t have
        if self.done and self.raw < 0:
            return 0
        if self.kind == 1:
            return self._chunks()
        have = self.buffer.end - self.buffer.start
        if have == 0:
            if self.buffer.fill(False) == 0:
                if self.kind == 2:
                    self.done = True
                    return 0
                raise Incomplete("the connection ended within a body", self.fault)
            have = self.buffer.end - self.buffer.start
        if self.kind == 0:
            if have >= self.remaining:
                have = self.remaining
                self.done = True
            self.remaining -= have
        self.received += have
        return have

    cdef Py_ssize_t _chunks(self) except -1:
        cdef Py_ssize_t content
        cdef Buffer buffer = self.buffer
        if self.raw >= 0:
            # Step over the coding that stood behind what the last call gave out.
            buffer.start = self.raw
            self.raw = -1
        while not self.done:
            if buffer.start == buffer.end and buffer.fill(False) == 0:
                raise Incomplete("the connection ended within a body", self.fault)
            content = self._decode()
            if content:
                self.received += content
                return content
            if not self.done and buffer.start == buffer.end:
                continue
        return 0

    cdef Py_ssize_t _decode(self) except -1:
        """Decode what is buffered; content bytes that now stand at the start of the buffer."""
        cdef char *p = self.buffer.data
        cdef Py_ssize_t i = self.buffer.start, end = self.buffer.end, put = self.buffer.start, n
        cdef Py_ssize_t first = self.buffer.start
        cdef unsigned char c
        cdef int digit
        while i < end and not self.done:
            if self.state == DATA:
                n = min(<long long>(end - i), self.remaining)
                if put != i:
                    memmove(p + put, p + i, n)
                put += n
                i += n
                self.remaining -= n
                if self.remaining == 0:
                    self.state = DATA_CR
                continue
            c = p[i]
            i += 1
            if self.state == SIZE:
                digit = c - 48 if 48 <= c <= 57 else c - 87 if 97 <= c <= 102 else c - 55 if 65 <= c <= 70 else -1
                if digit >= 0:
                    self.digits += 1
                    if self.digits > 15:
                        raise MessageError(self.fault, "chunk size too large")
                    self.remaining = self.remaining * 16 + digit
                elif self.digits == 0:
                    raise MessageError(self.fault, "malformed chunk size")
                elif c == 59:
                    self.state = EXTENSION
                elif c == 13:
                    self.state = SIZE_LF
                else:
                    raise MessageError(self.fault, "malformed chunk size")
            elif self.state == EXTENSION:
                self.extension += 1
                if c == 13:
                    self.state = SIZE_LF
                elif (c < 32 and c != 9) or c == 127 or self.extension > MOST_EXTENSION:
                    raise MessageError(self.fault, "malformed chunk extension")
            elif self.state == SIZE_LF:
                if c != 10:
                    raise MessageError(self.fault, "malformed chunk size")
                self.digits = 0
                self.state = DATA if self.remaining else TRAILER
            elif self.state == DATA_CR:
                if c != 13:
                    raise MessageError(self.fault, "a chunk does not end with CR LF")
                self.state = DATA_LF
            elif self.state == DATA_LF:
                if c != 10:
                    raise MessageError(self.fault, "a chunk does not end with CR LF")
                self.state = SIZE
            else:
                i = self._trailer(p, i - 1, end)
        if put > first:
            self.raw = i
            return put - first
        self.buffer.start = i
        return 0

    cdef Py_ssize_t _trailer(self, char *p, Py_ssize_t i, Py_ssize_t end) except -1:
        """Collect the trailer section up to its empty line; where the rest begins."""
        cdef Py_ssize_t line
        while i < end:
            line = i
            while i < end and p[i] != 10:
                i += 1
            if i < end:
                i += 1
            self.trailers += PyBytes_FromStringAndSize(p + line, i - line)
            if len(self.trailers) > MOST_TRAILERS:
                raise MessageError(self.fault, "trailer section too large")
            if self.trailers.endswith(b"\n") and not self.trailers.endswith(b"\r\n"):
                raise MessageError(self.fault, "a trailer line ends without CR")
            if self.trailers == b"\r\n" or self.trailers.endswith(b"\r\n\r\n"):
                self.done = True
                if self.trailers == b"\r\n":
                    self.trailers = b""
                break
        return i
