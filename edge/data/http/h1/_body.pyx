# cython: language_level=3
"""Bodies of HTTP/1.1 messages, read by their framing (RFC 9112, section 6 and 7).

Rules of this file:
- `fill` returns the number of content bytes at the beginning of the stream's buffer; the reader consumes them there.
  Nothing is copied, except that chunks which arrived together are moved together.
- A body ends according to its framing, or it is `Incomplete`; bytes after its end are not touched.
- Chunked coding is parsed strictly: CR LF only, sizes below 2^60, extensions by the grammar and in proportion to the
  content, bounded trailers. Blanks are accepted where the grammar has them, around `;` and `=` of extensions. In
  responses they are also accepted between a size and the end of its line, because some servers pad it.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from libc.string cimport memchr, memcpy, memmove

from edge.data.http._content cimport Content
from edge.data.net._buffer cimport Buffer

from edge.data.net.errors import incomplete, malformed

cdef enum:
    MOST_EXTENSION = 16384  # bytes of chunk extensions beyond what the chunks carry, as Go's net/http allows
    CARRIED = 16            # bytes of extensions that any chunk carries; each byte of content carries two more
    MOST_TRAILERS = 16384   # bytes of a trailer section

cdef bint token[256]

for _c in range(256):
    token[_c] = _c < 128 and (chr(_c).isalnum() or chr(_c) in "!#$%&'*+-.^_`|~")


cdef class Body(Content):
    """The content that follows a head in `buffer`.

    `done`: all of it has been seen; `received`: content bytes so far; `trailers`: the trailer section with the empty
    line at its end, empty when there is none.
    """

    def __init__(self, Buffer buffer not None, bint request=True):
        """For all messages of one connection, one after another; REQUEST: they are requests, whose faults are those of
        a client."""
        self.buffer = buffer
        self.fault = 400 if request else 502
        self.padded = not request
        self.start(-1, False, False)

    cpdef start(self, long long length, bint chunked, bint until_end):
        """Begin the body of the next message: CHUNKED, or of LENGTH bytes, or UNTIL_END of the stream, or none."""
        self.trailers = b""
        self.section = None
        self.given = self.raw = -1
        self.received = 0
        self.remaining = 0
        self.done = False
        self.state = SIZE
        self.digits = self.extension = self.excess = 0
        if chunked:
            self.kind = 1
        elif length >= 0:
            self.kind = 0
            self.remaining = length
            self.done = length == 0
        else:
            self.kind = 2
            self.done = not until_end

    cpdef bint finish(self):
        """Whether the whole body has been read and consumed, so that the buffer begins with the next message. `done` is
        not sufficient: the greenlet that sends the last piece may have been stopped before it was consumed.
        """
        if not self.done or (self.given >= 0 and self.buffer.start != self.given):
            return False
        if self.raw >= 0:
            self.buffer.start = self.raw
        self.given = self.raw = -1
        return True

    @property
    def whole(self):
        """Whether the rest of the body is in the buffer already (known only of sized bodies)."""
        return self.done or (self.kind == 0 and self.buffer.end - self.buffer.start >= self.remaining)

    cpdef Py_ssize_t fill(self) except -1:
        """Content bytes at the start of the buffer, more of them if there were none; 0 at the end of the body.

        All that the last call announced must have been consumed.

        Raises:
            MessageError: the coding is broken.
            Incomplete: the stream ended first.
            StreamError: the stream broke or was silent for too long.
        """
        cdef Py_ssize_t have
        if self.done:
            self.finish()
            return 0
        if self.kind == 1:
            return self._chunks()
        have = self.buffer.end - self.buffer.start
        if have == 0:
            if self.buffer.fill(False) == 0:
                if self.kind == 2:
                    self.done = True
                    self.given = -1
                    return 0
                raise incomplete(self.fault, "the connection ended within a body")
            have = self.buffer.end - self.buffer.start
        if self.kind == 0:
            if have >= self.remaining:
                have = self.remaining
                self.done = True
            self.remaining -= have
        self.received += have
        self.given = self.buffer.start + have
        return have

    cdef Py_ssize_t _chunks(self) except -1:
        cdef Py_ssize_t content
        cdef Buffer buffer = self.buffer
        if self.raw >= 0:
            # Skip the chunk framing after the content of the last call.
            buffer.start = self.raw
            self.raw = -1
        while not self.done:
            if buffer.start == buffer.end and buffer.fill(False) == 0:
                raise incomplete(self.fault, "the connection ended within a body")
            content = self._decode()
            if content:
                self.received += content
                self.given = buffer.start + content
                return content
        self.given = -1
        return 0

    cdef Py_ssize_t _decode(self) except -1:
        """Decode buffered bytes; returns the number of content bytes at the start of the buffer."""
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
                        raise malformed(self.fault, "chunk size too large")
                    self.remaining = self.remaining * 16 + digit
                elif self.digits == 0:
                    raise malformed(self.fault, "malformed chunk size")
                elif c == 59:
                    self.state = NAME_BEGIN
                elif c == 13:
                    self.state = SIZE_LF
                elif c == 32 or c == 9:
                    self.state = SIZE_END
                else:
                    raise malformed(self.fault, "malformed chunk size")
            elif self.state < SIZE_LF:
                self.extension += 1
                if not self._extended(c):
                    raise malformed(self.fault, "malformed chunk extension")
                if self.extension > MOST_EXTENSION:
                    raise malformed(self.fault, "chunk extensions too long")
            elif self.state == SIZE_LF:
                if c != 10:
                    raise malformed(self.fault, "malformed chunk size")
                self.excess = max(0, self.excess + self.extension - CARRIED - 2 * self.remaining)
                if self.excess > MOST_EXTENSION:
                    raise malformed(self.fault, "chunk extensions out of proportion to the content")
                self.digits = self.extension = 0
                self.state = DATA if self.remaining else TRAILER
            elif self.state == DATA_CR:
                if c != 13:
                    raise malformed(self.fault, "a chunk does not end with CR LF")
                self.state = DATA_LF
            elif self.state == DATA_LF:
                if c != 10:
                    raise malformed(self.fault, "a chunk does not end with CR LF")
                self.state = SIZE
            else:
                i = self._trailer(p, i - 1, end)
        if put > first:
            self.raw = i
            return put - first
        self.buffer.start = i
        return 0

    cdef bint _extended(self, unsigned char c) noexcept:
        """Parse C as the next byte of chunk extensions, or of blanks before them; returns whether it is allowed."""
        if self.state == QUOTED:
            if c == 34:
                self.state = QUOTED_END
            elif c == 92:
                self.state = QUOTED_PAIR
            else:
                return c >= 32 and c != 127 or c == 9
        elif self.state == QUOTED_PAIR:
            self.state = QUOTED
            return c >= 32 and c != 127 or c == 9
        elif c == 32 or c == 9:
            if self.state == NAME:
                self.state = NAME_END
            elif self.state == VALUE or self.state == QUOTED_END:
                self.state = VALUE_END
        elif self.state == NAME_BEGIN or self.state == VALUE_BEGIN:
            if token[c]:
                self.state = NAME if self.state == NAME_BEGIN else VALUE
            elif c == 34 and self.state == VALUE_BEGIN:
                self.state = QUOTED
            else:
                return False
        elif c == 59:
            self.state = NAME_BEGIN
        elif c == 61 and (self.state == NAME or self.state == NAME_END):
            self.state = VALUE_BEGIN
        elif c == 13 and (
            self.state == NAME or self.state == VALUE or self.state == QUOTED_END
            or (self.state == SIZE_END and self.padded)
        ):
            self.state = SIZE_LF
        else:
            return token[c] and (self.state == NAME or self.state == VALUE)
        return True

    cdef Py_ssize_t _trailer(self, char *p, Py_ssize_t i, Py_ssize_t end) except -1:
        """Collect the trailer section up to its empty line; returns the position after it."""
        cdef Py_ssize_t n, have
        cdef const char *found
        cdef char *text
        if self.section is None:
            self.section = bytearray()
            self.line = 0
        while i < end and not self.done:
            found = <const char *>memchr(p + i, 10, end - i)
            n = end - i if found == NULL else found - (p + i) + 1
            have = PyByteArray_GET_SIZE(self.section)
            if have + n > MOST_TRAILERS:
                raise malformed(self.fault, "trailer section too large")
            PyByteArray_Resize(self.section, have + n)
            text = PyByteArray_AS_STRING(self.section)
            memcpy(text + have, p + i, n)
            i += n
            if found == NULL:
                break
            have += n
            if have - self.line < 2 or text[have - 2] != 13:
                raise malformed(self.fault, "a trailer line ends without CR")
            if have - self.line == 2:
                self.done = True
                self.trailers = bytes(self.section) if have > 2 else b""
                self.section = None
            self.line = have
        return i
