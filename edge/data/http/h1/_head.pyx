# cython: language_level=3
"""Heads of HTTP/1.1 messages, read strictly.

Rules of this file:
- The grammar is that of RFC 9110 and RFC 9112, and where a recipient *may* be lenient, this parser is not: ambiguous
  heads are refused, so that no endpoint can interpret them differently.
- A head is copied once out of the stream and stays text; fields that are passed on never become Python objects.
- Framing fields (Content-Length, Transfer-Encoding, Connection and the fields that it names) are read here, and
  dropped: `_writing` adds the framing of the message that is sent.
- The class does not know sockets; it reads from a Buffer. For a Stream it also limits the time in which a head that has
  begun must be complete.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memchr, memcmp

from edge.data.http._fields cimport Field, Limits
from edge.data.http._message cimport (
    LONGEST_METHOD, NONE, UNKNOWN, Message, check_encoding, check_host, check_method, expects_continue, host_of,
    method_name, read_length,
)
from edge.data.http._names cimport (
    ACCEL, CONNECTION, CONTENT_LENGTH, DATE, DIGIT, EXPECT, HEXDIGIT, HOST, MESSAGE, SERVER, TARGET, TRANSFER_ENCODING,
    UPGRADE, VALUE, VERB, X_FORWARDED_FOR, X_FORWARDED_HOST, X_REQUEST_ID, classes, lower, same_name,
)
from edge.data.http._sixteen cimport edge_line_ends, edge_lowest
from edge.data.net._buffer cimport Buffer
from edge.data.net._stream cimport Stream

from edge.data.net.errors import MessageError, ResponseError, incomplete, malformed

cdef enum:
    MOST_OPTIONS = 64   # members of all Connection fields of a head
    AT_ONCE = 16        # bytes that `edge_line_ends` looks at, beside the one behind them


cdef inline Py_ssize_t end_within(const char *p, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """As `head_end`, if the last line but one ends within `AT_ONCE` bytes from AT on."""
    cdef Py_ssize_t end
    cdef unsigned int found = edge_line_ends(p + at)
    while found:
        end = at + edge_lowest(found) + 3
        if 4 <= end <= n and memcmp(p + end - 4, b"\r\n\r\n", 4) == 0:
            return end
        found &= found - 1
    return 0


cdef Py_ssize_t head_end(const char *p, Py_ssize_t n) noexcept nogil:
    """How long the head is at the beginning of the N bytes at P, its empty line included; 0: no end was found."""
    cdef Py_ssize_t at = 0, last = n - AT_ONCE - 1, end
    while at <= last:
        end = end_within(p, at, n)
        if end:
            return end
        at += AT_ONCE
    return end_within(p, last, n) if last >= 0 else 0


cdef bytes OK = b"OK"


cdef bint names_h2c(const char *p, Py_ssize_t n) noexcept nogil:
    """Whether an Upgrade field offers HTTP/2 in the clear."""
    cdef Py_ssize_t i
    for i in range(n - 2):
        if lower[<uint8_t>p[i]] == 104 and p[i + 1] == 50 and lower[<uint8_t>p[i + 2]] == 99:
            return True
    return False


cdef class Head(Message):
    """The head of a request or of a response, reused for all messages of a connection."""

    cdef int reset(self) except -1:
        self.field_count = 0
        self.length = -1
        self.status = 0
        self.request_id = -1
        self.chunked = self.expect_continue = self.upgrade = False
        self.seen_forwarded = self.has_date = self.has_server = self.accel = False
        self.absolute = self.closing = self.persists = self.switches = False
        self.options = 0
        return 0

    # --- reading --------------------------------------------------------------------------------------------------

    cpdef bint read_request(self, Buffer source, Limits limits) except -1:
        """Read the head of the next request from SOURCE; False where the stream ends before it.

        Raises:
            MessageError: the client sent a head that is not acceptable; `status` is the answer.
            StreamError: the stream broke or was silent for too long.
        """
        cdef Py_ssize_t end
        if source.start == source.end and source.fill(True) == 0:
            return False
        if source.data[source.start] == 13 and not self.empty_line(source, limits):
            return False
        end = self._await_head(source, limits, True)
        self.reset()
        self.store(source.data + source.start, end)
        source.start += end
        self.size = end
        self.parse_fields(self.request_line(end, limits), limits, 400)
        self.interpret(True)
        return True

    cpdef read_response(self, Buffer source, Limits limits, bint wait=True):
        """Read the head of a response from SOURCE.

        Raises:
            MessageError: Edge does not pass it on.
            Incomplete: the stream ended first; nothing had been read when `size` is 0.
            StreamError: the stream broke or was silent for too long.
        """
        cdef Py_ssize_t end
        self.size = 0
        if source.start == source.end and source.fill(wait) == 0:
            raise incomplete(502, "the endpoint closed the connection without an answer")
        self.size = 1
        end = self._await_head(source, limits, False)
        self.reset()
        self.store(source.data + source.start, end)
        source.start += end
        self.size = end
        self.parse_fields(self.status_line(end), limits, 502)
        self.interpret(False)

    def read_trailers(self, bytes section not None, Limits limits not None, int fault=400):
        """Take SECTION, field lines with the empty line at their end, as the fields of this head.

        Raises:
            MessageError: FAULT is the status; a field is malformed, or there are too many.
        """
        if section != b"\r\n" and not section.endswith(b"\r\n\r\n"):
            raise malformed(fault, "a trailer section without an end")
        self.reset()
        self.store(PyBytes_AS_STRING(section), PyBytes_GET_SIZE(section))
        self.parse_fields(0, limits, fault)

    cdef bint empty_line(self, Buffer source, Limits limits) except -1:
        """Skip one empty line before a request (RFC 9112, 2.2); whether anything follows it."""
        while source.end - source.start < 2:
            if isinstance(source, Stream):
                (<Stream>source).expire_in(limits.timeout)
            if source.fill(False) == 0:
                raise incomplete(400, "the connection ended within a head")
        if source.data[source.start + 1] != 10:
            raise MessageError(400, "a line ends with a bare CR")
        if isinstance(source, Stream):
            (<Stream>source).limit = 0
        source.start += 2
        return source.start != source.end or source.fill(True) != 0

    cdef Py_ssize_t _await_head(self, Buffer source, Limits limits, bint request) except -1:
        """Length of the complete head at the start of SOURCE, which is filled until there is one."""
        cdef Py_ssize_t at = 0, line = 0, first_end = 0, have
        cdef const char *p
        cdef const char *found
        cdef bint first_line = True, limited = False
        cdef int fault = 400 if request else 502
        # Mostly all of it is there, and below every limit. The parser will find what is wrong with its lines.
        have = head_end(source.data + source.start, min(source.end - source.start, limits.line))
        if have:
            return have
        # Do not wait for more of another protocol.
        if request and not classes[<uint8_t>source.data[source.start]] & VERB:
            raise MessageError(400, "malformed method")
        while True:
            have = source.end - source.start
            p = source.data + source.start
            if not request and first_line and memcmp(p, b"HTTP/1.", min(have, 7)) != 0:
                raise ResponseError("malformed status line")
            while at < have:
                found = <const char *>memchr(p + at, 10, have - at)
                if found == NULL:
                    at = have
                    break
                at = found - p
                if first_line and request and at - 1 > limits.line:
                    raise MessageError(414, "request line too long")
                if at >= limits.head:
                    self._refuse(p, first_end, limits, limits.refusal if request else 502, "head too large")
                if at == 0 or p[at - 1] != 13:
                    self._refuse(p, first_end, limits, fault, "a line ends without CR")
                at += 1
                if first_line:
                    first_line = False
                    first_end = at if request else 0
                if at - line == 2:
                    if limited:
                        (<Stream>source).limit = 0
                    return at
                line = at
            if first_line and request and have > limits.line + 1:
                raise MessageError(414, "request line too long")
            if have >= limits.head:
                self._refuse(p, first_end, limits, limits.refusal if request else 502, "head too large")
            if first_end:
                # A malformed request, or one of HTTP/0.9, which ends here, is answered at once.
                self.store(p, first_end)
                self.request_line(first_end, limits)
                first_end = 0
            if request and not limited and isinstance(source, Stream):
                (<Stream>source).expire_in(limits.timeout)
                limited = True
            if source.fill(False) == 0:
                raise incomplete(fault, "the connection ended within a head")

    cdef int _refuse(self, const char *p, Py_ssize_t first_end, Limits limits, int status, reason) except -1:
        """Refuse the head at P with STATUS, unless its first line, of FIRST_END bytes, is to be refused itself; 0: it is
        known to be valid. So the pieces in which a head arrives do not decide which of these faults is answered.
        """
        if first_end:
            self.store(p, first_end)
            self.request_line(first_end, limits)
        raise malformed(status, reason)

    cdef int request_line(self, Py_ssize_t end, Limits limits) except -1:
        """Parse the first line; where the next one begins."""
        cdef const char *p = self.text
        cdef Py_ssize_t i = 0, target
        while classes[<uint8_t>p[i]] & VERB:
            i += 1
        if i == 0 or i > LONGEST_METHOD or p[i] != 32:
            raise MessageError(400, "malformed method")
        self.method = method_name(p, i)
        i += 1
        target = i
        while classes[<uint8_t>p[i]] & TARGET:
            i += 1
        if i == target or p[i] != 32:
            raise MessageError(400, "malformed request target")
        if end - i < 11 or memcmp(p + i + 1, b"HTTP/", 5) != 0 or p[i + 7] != 46 or p[i + 9] != 13 or p[i + 10] != 10:
            raise MessageError(400, "malformed HTTP version")
        if not (classes[<uint8_t>p[i + 6]] & DIGIT and classes[<uint8_t>p[i + 8]] & DIGIT):
            raise MessageError(400, "malformed HTTP version")
        if p[i + 6] != 49 or p[i + 8] > 49:
            raise MessageError(505, "HTTP version not supported")
        self.version = 10 + p[i + 8] - 48
        check_method(p, target - 1)
        check_encoding(p + target, i - target)
        if p[target] == 47:
            self.target = PyBytes_FromStringAndSize(p + target, i - target)
        elif i - target == 1 and p[target] == 42:
            raise MessageError(400, "the asterisk form is not served")
        else:
            self.absolute_form(target, i)
        return i + 11

    cdef int absolute_form(self, Py_ssize_t begin, Py_ssize_t end) except -1:
        """Take apart a target such as http://host/path (RFC 9112, 3.2.2)."""
        target = PyBytes_FromStringAndSize(self.text + begin, end - begin)
        scheme, _, rest = target.partition(b"://")
        if scheme.lower() not in (b"http", b"https"):
            raise MessageError(400, "malformed request target")
        cut = min([at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0], default=len(rest))
        authority, path = rest[:cut], rest[cut:]
        if not authority:
            raise MessageError(400, "malformed request target")
        check_host(self.text + end - len(rest), len(authority))
        self.absolute = True
        self.host = authority
        self.target = path if path.startswith(b"/") else b"/" + path
        return 0

    cdef int status_line(self, Py_ssize_t end) except -1:
        cdef const char *p = self.text
        cdef Py_ssize_t i = 12, n
        if memcmp(p, b"HTTP/1.1 200 OK\r\n", 17) == 0:  # as most are; the text has room behind its end
            self.status = 200
            self.version = 11
            self.reason = OK
            return 17
        if end < 14 or memcmp(p, b"HTTP/1.", 7) != 0 or (p[7] != 48 and p[7] != 49) or p[8] != 32:
            raise ResponseError("malformed status line")
        if not (classes[<uint8_t>p[9]] & classes[<uint8_t>p[10]] & classes[<uint8_t>p[11]] & DIGIT) or p[9] == 48:
            raise ResponseError("malformed status code")
        self.status = (p[9] - 48) * 100 + (p[10] - 48) * 10 + p[11] - 48
        self.version = 10 + p[7] - 48
        while classes[<uint8_t>p[i]] & VALUE:
            i += 1
        if (i > 12 and p[12] != 32) or p[i] != 13 or p[i + 1] != 10:
            raise ResponseError("malformed reason phrase")
        n = max(i - 13, 0)
        if n != PyBytes_GET_SIZE(self.reason) or memcmp(p + 13, PyBytes_AS_STRING(self.reason), n):  # mostly the same
            self.reason = PyBytes_FromStringAndSize(p + 13, n)
        return i + 2

    cdef int interpret(self, bint request) except -1:
        """Interpret the fields that frame the message and control the connection."""
        cdef int i, hosts = 0, lengths = 0, codings = 0, upgrades = 0
        cdef Field *field
        cdef const char *value
        cdef bytes host
        cdef int fault = 400 if request else 502
        cdef bint unfit = False
        cdef bint interim = not request and self.status < 200
        for i in range(self.field_count):
            field = self.fields + i
            if field.known <= MESSAGE:
                continue
            value = self.text + field.value
            if field.known == HOST:
                hosts += 1
                if request:
                    host = host_of(value, field.value_length)
                    if not self.absolute:  # an absolute-form target takes precedence (RFC 9112, 3.2.2)
                        self.host = host
            elif field.known == CONNECTION:
                self.connection_options(field, fault)
            elif interim and (field.known == CONTENT_LENGTH or field.known == TRANSFER_ENCODING):
                pass  # a 1xx response ends with its head, whatever these say (RFC 9112, 6.3)
            elif field.known == CONTENT_LENGTH:
                lengths += 1
                self.length = read_length(value, field.value_length, fault)
            elif field.known == TRANSFER_ENCODING:
                codings += 1
                if field.value_length != 7 or not same_name(value, b"chunked", 7):
                    raise malformed(fault, "transfer coding other than chunked")
            elif field.known == UPGRADE:
                upgrades += 1
                unfit |= field.value_length == 0 or names_h2c(value, field.value_length)
            elif field.known == EXPECT:
                if request:
                    self.expect_continue = (
                        expects_continue(value, field.value_length) and self.version == 11 or self.expect_continue
                    )
            elif field.known == DATE:
                self.has_date = True
            elif field.known == SERVER:
                self.has_server = True
            elif field.known == X_REQUEST_ID:
                if self.request_id < 0 and field.value_length:
                    self.request_id = i
            elif field.known == X_FORWARDED_FOR or field.known == X_FORWARDED_HOST:
                self.seen_forwarded = True
            elif field.known == ACCEL:
                self.accel = True
        if codings:
            if lengths:
                raise malformed(fault, "both Content-Length and Transfer-Encoding")
            if codings > 1:
                raise malformed(fault, "several Transfer-Encoding fields")
            if self.version == 10:
                raise malformed(fault, "Transfer-Encoding in an HTTP/1.0 message")
            self.chunked = True
        if lengths > 1:
            raise malformed(fault, "several Content-Length fields")
        self.keep_alive = not self.closing and (self.version == 11 or self.persists)
        if request:
            self.content_length = UNKNOWN if codings else self.length if lengths else NONE
            if hosts > 1 or (hosts == 0 and self.version == 11):
                raise MessageError(400, "exactly one Host is required")
            if hosts == 0 and not self.absolute:
                self.host = b""
            # h2c by Upgrade would pass requests around Edge; a body before the new protocol is ambiguous.
            self.upgrade = (
                upgrades and self.switches and self.version == 11 and not unfit and not codings and self.length <= 0
            )
        else:
            self.check_status(upgrades > 0 and self.switches and not unfit)
        return 0

    cdef int check_status(self, bint upgrade) except -1:
        """Check that framing and status of a response agree (RFC 9112, 6.3)."""
        if self.status == 101 and not upgrade:
            raise ResponseError("switched protocols to an unknown one")
        self.upgrade = upgrade
        if self.status == 204 and (self.chunked or self.length > 0):
            self.keep_alive = False  # the client has none, but bytes may follow here
        return 0

    cdef int connection_options(self, Field *field, int fault) except -1:
        """Apply a Connection field and drop the fields that it names (RFC 9110, 7.6.1). It does not apply to fields
        that Edge interprets: those are not passed on anyway, or must not be lost, such as Date.
        """
        cdef const char *p = self.text + field.value
        cdef Py_ssize_t i = 0, begin, n = field.value_length
        if n == 10 and self.options == 0 and same_name(p, b"keep-alive", 10):  # mostly
            self.options = 1
            self.persists = True
            return 0
        while True:
            while i < n and (p[i] == 44 or p[i] == 32 or p[i] == 9):
                i += 1
            if i == n:
                return 0
            begin = i
            while i < n and p[i] != 44 and p[i] != 32 and p[i] != 9:
                i += 1
            self.options += 1
            if self.options > MOST_OPTIONS:
                raise malformed(fault, "too many connection options")
            if i - begin == 5 and same_name(p + begin, b"close", 5):
                self.closing = True
            elif i - begin == 10 and same_name(p + begin, b"keep-alive", 10):
                self.persists = True
            elif i - begin == 7 and same_name(p + begin, b"upgrade", 7):
                self.switches = True
            else:
                self.drop_named(p + begin, i - begin)

    # --- asking ---------------------------------------------------------------------------------------------------

    @property
    def first_line(self):
        """The first line as it came, also of a head that was refused; for logs."""
        cdef const char *end = <const char *>memchr(self.text, 13, self.text_length) if self.text_length else NULL
        return PyBytes_FromStringAndSize(self.text, end - self.text if end != NULL else self.text_length)
