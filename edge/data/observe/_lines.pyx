# cython: language_level=3
"""Lines of the access log: buffered without Python objects, written without blocking.

Rules of this file:
- Bytes of clients are always escaped: as nginx does it (`\\xXX` for controls, quotes, backslashes and what is not
  ASCII), or by RFC 8259, section 7. With escaping off, control characters are still escaped: no client can forge a
  line.
- A line that is too long is truncated, not dropped.
- Lines that the reader of the log has not read are buffered up to a limit; above it lines are dropped and counted.
- Lines of several processes share one pipe: pieces of at most PIPE_BUF bytes, cut between lines, keep lines whole
  (pipe(7)).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove
from libc.time cimport gmtime_r, strftime, time, time_t, tm

from edge.data.net._digits cimport put_decimal

import json

cdef extern from "poll.h":
    struct pollfd:
        int fd
        short events
        short revents
    int poll(pollfd *fds, unsigned long count, int timeout)
    short POLLOUT

cdef extern from "unistd.h":
    Py_ssize_t c_write "write"(int fd, const void *data, size_t n)

cdef enum:
    PIECE = 4096      # PIPE_BUF of Linux
    LONGEST = 8192    # bytes taken of one value that a client sent
    GATHER = 65536    # bytes after which lines should be written at once
    MOST = 1 << 22    # bytes kept for a reader that does not read

cdef const char *HEX = b"0123456789ABCDEF"
cdef uint8_t plain[256]     # may stand in a text line as it is

for _c in range(256):
    plain[_c] = 32 <= _c < 127 and chr(_c) not in '"\\'


cdef inline Py_ssize_t unmarked(const char *p, Py_ssize_t n) noexcept nogil:
    """How many of the N bytes at P stand before the first that has to be escaped."""
    cdef Py_ssize_t i = 0
    while i < n and plain[<uint8_t>p[i]]:
        i += 1
    return i


cdef inline char *put_hexadecimal(char *out, uint8_t c) noexcept nogil:
    """Put C as `\\xXX`; where the next byte goes."""
    out[0] = 92
    out[1] = 120
    out[2] = HEX[c >> 4]
    out[3] = HEX[c & 15]
    return out + 4


cdef class Lines:
    """Lines that have not been written yet; `dropped`: the number of dropped ones."""

    def __cinit__(self):
        self.second = -1
        self.due = GATHER

    def __dealloc__(self):
        free(self.data)

    def __len__(self):
        return self.end - self.start

    cdef char *room(self, Py_ssize_t n) except NULL:
        cdef char *grown
        if self.start and self.size - self.end < n:
            memmove(self.data, self.data + self.start, self.end - self.start)
            self.end -= self.start
            self.start = 0
        if self.size - self.end < n:
            grown = <char *>realloc(self.data, 2 * self.size + n)
            if grown == NULL:
                raise MemoryError
            self.data = grown
            self.size = 2 * self.size + n
        return self.data + self.end

    cdef int put(self, const char *p, Py_ssize_t n) except -1:
        memcpy(self.room(n), p, n)
        self.end += n
        return 0

    cdef int put_bytes(self, bytes value) except -1:
        return self.put(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))

    cdef int put_str(self, str value) except -1:
        cdef Py_ssize_t n
        cdef const char *p = PyUnicode_AsUTF8AndSize(value, &n)
        return self.put(p, n)

    cdef int put_escaped(self, const char *p, Py_ssize_t n) except -1:
        """The N bytes at P as the text form has them."""
        cdef char *out
        cdef char *first
        cdef Py_ssize_t i
        n = min(n, LONGEST)
        i = unmarked(p, n)
        if i == n:  # as nearly always
            return self.put(p, n)
        first = out = self.room(4 * n)
        memcpy(out, p, i)
        out += i
        for i in range(i, n):
            if plain[<uint8_t>p[i]]:
                out[0] = p[i]
                out += 1
            else:
                out = put_hexadecimal(out, p[i])
        self.end += out - first
        return 0

    cdef int put_json(self, const char *p, Py_ssize_t n) except -1:
        """The N bytes at P as they stand within a string of JSON."""
        cdef char *out
        cdef char *first
        cdef Py_ssize_t i
        cdef uint8_t c
        n = min(n, LONGEST)
        i = unmarked(p, n)
        if i == n:
            return self.put(p, n)
        for i in range(n):
            if <uint8_t>p[i] > 127:
                text = PyBytes_FromStringAndSize(p, n).decode("utf-8", "backslashreplace")
                quoted = json.dumps(text).encode()
                return self.put(PyBytes_AS_STRING(quoted) + 1, PyBytes_GET_SIZE(quoted) - 2)
        first = out = self.room(6 * n)
        for i in range(n):
            c = p[i]
            if plain[c]:
                out[0] = c
                out += 1
            elif c == 34 or c == 92:
                out[0] = 92
                out[1] = c
                out += 2
            else:
                memcpy(out, b"\\u00", 4)
                out[4] = HEX[c >> 4]
                out[5] = HEX[c & 15]
                out += 6
        self.end += out - first
        return 0

    cdef int put_raw(self, const char *p, Py_ssize_t n) except -1:
        """The N bytes at P as they are, but for controls."""
        cdef char *out
        cdef char *first
        cdef Py_ssize_t i
        n = min(n, LONGEST)
        first = out = self.room(4 * n)
        for i in range(n):
            if 0 <= p[i] < 32 or p[i] == 127:
                out = put_hexadecimal(out, p[i])
            else:
                out[0] = p[i]
                out += 1
        self.end += out - first
        return 0

    cdef int put_value(self, bytes value, int escape) except -1:
        """VALUE, which may be missing, in the form ESCAPE (`edge.table.access_logging.Escape`)."""
        if value is None:
            return self.put(b"-", 1) if escape == 0 else 0
        if escape == 0:
            return self.put_escaped(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        if escape == 1:
            return self.put_json(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        return self.put_raw(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))

    cdef int put_quoted(self, bytes value) except -1:
        """VALUE as a string of JSON; None: null."""
        if value is None:
            return self.put(b"null", 4)
        self.put(b'"', 1)
        self.put_json(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        return self.put(b'"', 1)

    cdef int put_number(self, long long number) except -1:
        cdef char *out = self.room(20)
        self.end += put_decimal(out, number)
        return 0

    cdef int put_seconds(self, double seconds, int decimals) except -1:
        """SECONDS with 3 or 6 DECIMALS."""
        cdef long long unit = 1000 if decimals == 3 else 1000000
        cdef long long total = <long long>(max(seconds, 0.0) * unit + 0.5)
        cdef long long rest = total % unit
        cdef char *out
        cdef int i
        self.put_number(total // unit)
        out = self.room(decimals + 1)
        out[0] = 46
        for i in range(decimals, 0, -1):
            out[i] = 48 + rest % 10
            rest //= 10
        self.end += decimals + 1
        return 0

    cdef int put_version(self, int version) except -1:
        """The number of HTTP's VERSION; 20: 2.0."""
        cdef char *out = self.room(3)
        out[0] = 48 + version // 10
        out[1] = 46
        out[2] = 48 + version % 10
        self.end += 3
        return 0

    cdef int put_time(self, bint as_iso) except -1:
        """The time in UTC: `24/Nov/2026:10:15:32 +0000`, or AS_ISO `2026-11-24T10:15:32+00:00`."""
        cdef time_t present = time(NULL)
        cdef tm parts
        if present != self.second:
            self.second = present
            gmtime_r(&present, &parts)
            strftime(self.local, 32, b"%d/%b/%Y:%H:%M:%S +0000", &parts)
            strftime(self.iso, 32, b"%Y-%m-%dT%H:%M:%S+00:00", &parts)
        return self.put(self.iso, 25) if as_iso else self.put(self.local, 26)

    cdef bint is_full(self) noexcept:
        """Whether another line has to be dropped."""
        return self.end - self.start > MOST

    def take(self):
        """All lines; the buffer is empty afterwards."""
        lines = PyBytes_FromStringAndSize(self.data + self.start, self.end - self.start) if self.end > self.start else b""
        self.forget()
        return lines

    def write(self, int fd):
        """Write as much as the descriptor FD accepts without blocking; returns whether that was all.

        Raises:
            OSError: the log has no reader any more. The lines are dropped, and counted.
        """
        cdef Py_ssize_t done
        cdef pollfd ready
        ready.fd = fd
        ready.events = POLLOUT
        while self.start < self.end:
            if poll(&ready, 1, 0) == 0:
                break
            done = c_write(fd, self.data + self.start, self.piece())
            if done > 0:
                self.start += done
            elif errno == EAGAIN:
                break
            elif errno != EINTR:
                fault = errno
                self.dropped += PyBytes_FromStringAndSize(self.data + self.start, self.end - self.start).count(b"\n")
                self.forget()
                raise OSError(fault, "cannot write the access log")
        if self.start == self.end:
            self.forget()
            return True
        self.due = self.end + GATHER
        return False

    cdef Py_ssize_t piece(self) noexcept:
        """Bytes that can be written as one piece: whole lines, or one line that is longer."""
        cdef Py_ssize_t left = self.end - self.start, n = min(left, PIECE)
        cdef const char *p = self.data + self.start
        if left <= PIECE:
            return left
        while n and p[n - 1] != 10:
            n -= 1
        if n == 0:
            n = PIECE
            while n < left and p[n - 1] != 10:
                n += 1
        return n

    cdef forget(self):
        self.start = self.end = 0
        self.due = GATHER
        if self.size > 4 * GATHER:  # the buffer was large
            free(self.data)
            self.data = NULL
            self.size = 0
