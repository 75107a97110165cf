# cython: language_level=3
"""Lines of the access log: made without Python objects, written without waiting.

Rules of this file:
- What a client sent is escaped, always: in the text form as nginx does it (`\\xXX` for controls, quotes, backslashes and
  what is not ASCII), in the JSON form by RFC 8259, section 7.
- A line is shortened rather than left out when a client makes it absurdly long.
- Lines that the reader of the log has not read are kept up to a limit; above it lines are dropped and counted.
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

from edge.data.exchange._outcome cimport Outcome
from edge.data.http._message cimport Message
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


cdef class Lines:
    """Lines that have been gathered and not yet written; `dropped` says how many never will be."""

    def __init__(self, *, bint as_json):
        """AS_JSON: objects of JSON instead of ingress-nginx's default format."""
        self.as_json = as_json
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
        cdef uint8_t c
        n = min(n, LONGEST)
        first = out = self.room(4 * n)
        for i in range(n):
            c = p[i]
            if plain[c]:
                out[0] = c
                out += 1
            else:
                out[0] = 92
                out[1] = 120
                out[2] = HEX[c >> 4]
                out[3] = HEX[c & 15]
                out += 4
        self.end += out - first
        return 0

    cdef int put_quoted(self, const char *p, Py_ssize_t n) except -1:
        """The N bytes at P, which are ASCII, as a JSON string."""
        cdef char *out
        cdef char *first
        cdef Py_ssize_t i
        cdef uint8_t c
        n = min(n, LONGEST)
        first = out = self.room(6 * n + 2)
        out[0] = 34
        out += 1
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
        out[0] = 34
        self.end += out + 1 - first
        return 0

    cdef int put_value(self, bytes value) except -1:
        """A value that may be missing."""
        if self.as_json:
            if value is None:
                return self.put(b"null", 4)
            if not value.isascii():
                return self.put_bytes(json.dumps(value[:LONGEST].decode("utf-8", "backslashreplace")).encode())
            return self.put_quoted(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        if not value:
            return self.put(b"-", 1)
        return self.put_escaped(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))

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

    cdef int put_status(self, int status, const char *none, Py_ssize_t n) except -1:
        return self.put_number(status) if status else self.put(none, n)

    cdef int put_attempts(self, list attempts, long long received) except -1:
        """Endpoints, lengths, times and statuses of several ATTEMPTS, as nginx lists them."""
        last = len(attempts) - 1
        names = ", ".join([name for name, _, _ in attempts])
        lengths = ", ".join([str(received) if at == last else "0" for at in range(last + 1)])
        times = ", ".join(["%.3f" % seconds for _, seconds, _ in attempts])
        statuses = ", ".join([str(status or "-") for _, _, status in attempts])
        return self.put_str(f"{names} {lengths} {times} {statuses} ")

    cdef int put_earlier(self, list attempts) except -1:
        """The ATTEMPTS before the last one, as a member."""
        self.put(b',"upstream_earlier":[', 21)
        for at, (name, seconds, status) in enumerate(attempts):
            self.put(b",", 1 if at else 0)
            self.put_str('{"addr":"%s","status":%s,"response_time":%.6f}' % (name, status or "null", seconds))
        return self.put(b"]", 1)

    cdef int put_time(self) except -1:
        cdef time_t present = time(NULL)
        cdef tm parts
        if present != self.second:
            self.second = present
            gmtime_r(&present, &parts)
            self.stamp_size = strftime(
                self.stamp, 40, b"%Y-%m-%dT%H:%M:%SZ" if self.as_json else b"%d/%b/%Y:%H:%M:%S +0000", &parts
            )
        return self.put(self.stamp, self.stamp_size)

    cpdef bint add(self, Message request, str address, bytes name, Outcome outcome) except -1:
        """Add the line of REQUEST from ADDRESS; whether there are so many lines now that they should be written.

        NAME says which route: `AccessLog.name_of`. OUTCOME is what came of the request.
        """
        if self.end - self.start > MOST:
            self.dropped += 1
            return False
        if self.as_json:
            self.add_json(request, address, name, outcome)
        else:
            self.add_text(request, address, name, outcome)
        return self.end > self.due

    cdef int add_text(self, Message request, str address, bytes name, Outcome outcome) except -1:
        self.put_str(address)
        self.put(b" - - [", 6)
        self.put_time()
        self.put(b'] "', 3)
        if request.method:
            self.put_bytes(request.method)
            self.put(b" ", 1)
            self.put_value(request.target)
            self.put(b" HTTP/", 6)
            self.put_version(request.version)
        else:
            self.put_value(outcome.line)
        self.put(b'" ', 2)
        self.put_number(outcome.status)
        self.put(b" ", 1)
        self.put_number(outcome.content_sent)
        self.put(b' "', 2)
        self.put_value(request.get(b"referer"))
        self.put(b'" "', 3)
        self.put_value(request.get(b"user-agent"))
        self.put(b'" ', 2)
        self.put_number(outcome.received)
        self.put(b" ", 1)
        self.put_seconds(outcome.duration, 3)
        self.put(b" [", 2)
        self.put_bytes(name)
        self.put(b"] ", 2)
        if not outcome.endpoint:
            self.put(b"- - - - ", 8)
        elif outcome.earlier is None:
            self.put_str(outcome.endpoint)
            self.put(b" ", 1)
            self.put_number(outcome.upstream_content)
            self.put(b" ", 1)
            self.put_seconds(outcome.upstream_seconds, 3)
            self.put(b" ", 1)
            self.put_status(outcome.upstream_status, b"-", 1)
            self.put(b" ", 1)
        else:
            self.put_attempts([*outcome.earlier, (outcome.endpoint, outcome.upstream_seconds, outcome.upstream_status)], outcome.upstream_content)
        self.put_value(outcome.request_id)
        return self.put(b"\n", 1)

    cdef int add_json(self, Message request, str address, bytes name, Outcome outcome) except -1:
        self.put(b'{"time":"', 9)
        self.put_time()
        self.put(b'","remote_addr":"', 17)
        self.put_str(address)
        self.put(b'","method":', 11)
        self.put_value(request.method or None)
        self.put(b',"host":', 8)
        self.put_value(request.host if request.method else None)
        self.put(b',"target":', 10)
        self.put_value(request.target if request.method else outcome.line)
        if request.method:
            self.put(b',"protocol":"HTTP/', 18)
            self.put_version(request.version)
            self.put(b'"', 1)
        else:
            self.put(b',"protocol":null', 16)
        self.put(b',"status":', 10)
        self.put_number(outcome.status)
        self.put(b',"body_bytes_sent":', 19)
        self.put_number(outcome.content_sent)
        self.put(b',"request_length":', 18)
        self.put_number(outcome.received)
        self.put(b',"request_time":', 16)
        self.put_seconds(outcome.duration, 6)
        self.put(b',"referer":', 11)
        self.put_value(request.get(b"referer"))
        self.put(b',"user_agent":', 14)
        self.put_value(request.get(b"user-agent"))
        self.put(b',"request_id":', 14)
        self.put_value(outcome.request_id)
        self.put_bytes(name)
        if outcome.endpoint:
            self.put(b',"upstream_addr":"', 18)
            self.put_str(outcome.endpoint)
            self.put(b'","upstream_status":', 20)
            self.put_status(outcome.upstream_status, b"null", 4)
            self.put(b',"upstream_response_length":', 28)
            self.put_number(outcome.upstream_content)
            self.put(b',"upstream_response_time":', 26)
            self.put_seconds(outcome.upstream_seconds, 6)
            if outcome.earlier is not None:
                self.put_earlier(outcome.earlier)
        else:
            self.put(
                b',"upstream_addr":null,"upstream_status":null,"upstream_response_length":null,'
                b'"upstream_response_time":null',
                106,
            )
        return self.put(b"}\n", 2)

    def append(self, bytes line not None):
        """Add LINE, which ends with a line feed; whether there are so many now that they should be written."""
        if self.end - self.start > MOST:
            self.dropped += 1
            return False
        self.put_bytes(line)
        return self.end > self.due

    def write(self, int fd):
        """Write what the descriptor FD takes without waiting; whether that was all.

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
        if self.size > 4 * GATHER:  # after a storm
            free(self.data)
            self.data = NULL
            self.size = 0
