# cython: language_level=3
"""Parses heads of HTTP/2 requests strictly (RFC 9113, section 8).

Rules of this file:
- A head is converted to the text of HTTP/1.1, field by field, so that readers of messages need not know the version.
  Method, target, host and length are checked by the same functions as those of HTTP/1.1.
- A malformed request (RFC 9113) is a stream error; a request that HTTP/1.1 answers with a status is answered so here.
- The block of a faulty head is read to the end, so that the tables of the two sides stay the same.
- Cookie may be split into several fields, which are joined (8.2.3). An extended CONNECT (RFC 8441) becomes an Upgrade.
"""

import os
from base64 import b64encode

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.stdlib cimport realloc
from libc.string cimport memcmp, memcpy

from edge.data.http._fields cimport Field, FieldLines, Limits
from edge.data.http._message cimport (
    LONGEST_METHOD, NONE, UNKNOWN, check_encoding, check_host, check_method, expects_continue, method_name, read_length,
)
from edge.data.http._names cimport (
    CONNECTION, CONTENT_LENGTH, EXPECT, HOP, HOST, MESSAGE, TARGET, TRANSFER_ENCODING, UPGRADE, VERB, X_FORWARDED_FOR,
    X_FORWARDED_HOST, X_REQUEST_ID, classes, same_name,
)
from edge.data.http.h2._hpack cimport Decoder

from edge.data.net.errors import MessageError

cdef enum:
    URGENCY = 3  # if the client sends none (RFC 9218, section 4.1)

cdef char *crumb_text = NULL
cdef Py_ssize_t crumb_size = 0


cdef malformed(str reason):
    return MessageError(MALFORMED, reason)


cdef inline bint forbidden(const char *p, Py_ssize_t n) noexcept:
    """Whether there is a byte that is not allowed in any field, pseudo-fields included (8.2.1)."""
    cdef Py_ssize_t i
    for i in range(n):
        if <uint8_t>p[i] <= 13 and (p[i] == 0 or p[i] == 10 or p[i] == 13):
            return True
    return False


cdef bint connection_specific(const char *name, Py_ssize_t n, int known, const char *value, Py_ssize_t m) noexcept:
    """Whether it is a connection-specific field of HTTP/1.1 (8.2.2)."""
    if known == CONNECTION or known == TRANSFER_ENCODING or known == UPGRADE:
        return True
    if known != HOP:
        return False
    if n == 2:
        return not (m == 8 and same_name(value, b"trailers", 8))  # TE
    return (n == 10 and same_name(name, b"keep-alive", 10)) or (n == 16 and same_name(name, b"proxy-connection", 16))


cdef class RequestHead(Message):
    """The head of a request, reused for one stream after another."""

    @property
    def malformed(self):
        """Whether the stream is reset instead of answered."""
        return self.fault == MALFORMED

    cdef int _reset(self) except -1:
        self.field_count = 0
        self.text_length = 0
        self.version = 20
        self.status = 0
        self.length = -1
        self.request_id = -1
        self.method = self.target = self.host = b""
        self.chunked = self.upgrade = self.expect_continue = self.tunnels = False
        self.seen_forwarded = self.has_date = self.has_server = False
        self.authority = self.scheme = self.path = self.protocol = self.why = self.first_line = None
        self.fault = 0
        self.urgency = URGENCY
        self.incremental = self.prioritized = self.regular = False
        self.hosts = 0
        self.taken = self.crumbs = 0
        return 0

    cdef int read(self, Decoder decoder, Limits limits, bint ended) except -1:
        """Read the block that DECODER has begun; ENDED: no content follows.

        Raises:
            Http2Error: the block is malformed.
        """
        self._reset()
        while True:
            try:
                while decoder.next():
                    if not self.fault:
                        self._take(decoder, limits)
                if not self.fault:
                    self._finish(limits, ended)
                break
            except MessageError as error:
                self.fault = error.status
                self.why = error.reason
        if self.fault:
            # Its fields are not reliable.
            self.first_line = b" ".join((self.method or b"-", self.path or b"-", b"HTTP/2.0"))
            self.method = b""
            self.field_count = 0
        return 0

    cdef int _take(self, Decoder decoder, Limits limits) except -1:
        """Add the field that DECODER has read."""
        cdef const char *name = decoder.name
        cdef Py_ssize_t n = decoder.name_length, m = decoder.value_length
        cdef Field *field
        self.taken += n + m + 4
        if self.taken > limits.head:
            raise MessageError(limits.refusal, "head too large")
        if n and name[0] == 58:
            return self._pseudo(name, n, decoder.value, m)
        self.regular = True
        if n == 6 and memcmp(name, b"cookie", 6) == 0:
            return self._cookie(decoder.value, m)
        if self.field_count >= limits.fields:
            raise MessageError(limits.refusal, "too many header fields")
        if not self.append(name, n, decoder.value, m, decoder.note, limits.underscores):
            raise malformed("a malformed field")
        field = self.fields + self.field_count - 1
        if field.known > MESSAGE:
            self._interpret(field)
        elif n == 8 and memcmp(self.text + field.name, b"priority", 8) == 0:
            self.prioritize(self.text + field.value, m)
        return 0

    cdef int _pseudo(self, const char *name, Py_ssize_t n, const char *value, Py_ssize_t m) except -1:
        cdef bytes text
        cdef Py_ssize_t i
        if self.regular:
            raise malformed("a pseudo-field behind a field")
        if forbidden(value, m):
            raise malformed("a malformed pseudo-field")
        if n == 7 and memcmp(name, b":method", 7) == 0 and not self.method:
            for i in range(m):
                if not classes[<uint8_t>value[i]] & VERB:
                    raise MessageError(400, "malformed method")
            if m == 0 or m > LONGEST_METHOD:
                raise MessageError(400, "malformed method")
            self.method = method_name(value, m)
            return 0
        text = PyBytes_FromStringAndSize(value, m)
        if n == 5 and memcmp(name, b":path", 5) == 0 and self.path is None:
            self.path = text
        elif n == 7 and memcmp(name, b":scheme", 7) == 0 and self.scheme is None:
            self.scheme = text
        elif n == 10 and memcmp(name, b":authority", 10) == 0 and self.authority is None:
            self.authority = text
        elif n == 9 and memcmp(name, b":protocol", 9) == 0 and self.protocol is None:
            self.protocol = text
        else:
            raise malformed("a pseudo-field that is unknown, or comes twice")
        return 0

    cdef int _interpret(self, Field *field) except -1:
        """Interpret a field that frames the message or describes it."""
        cdef const char *value = self.text + field.value
        if field.known == HOST:
            self.hosts += 1
            check_host(value, field.value_length)
            self.host = PyBytes_FromStringAndSize(value, field.value_length)
        elif connection_specific(self.text + field.name, field.name_length, field.known, value, field.value_length):
            raise malformed("a field of the connection")
        elif field.known == CONTENT_LENGTH:
            if self.length >= 0:
                raise malformed("several Content-Length fields")
            self.length = read_length(value, field.value_length, 400)
        elif field.known == EXPECT:
            self.expect_continue = expects_continue(value, field.value_length) or self.expect_continue
        elif field.known == X_REQUEST_ID:
            if self.request_id < 0 and field.value_length:
                self.request_id = self.field_count - 1
        elif field.known == X_FORWARDED_FOR or field.known == X_FORWARDED_HOST:
            self.seen_forwarded = True
        return 0

    cdef int _cookie(self, const char *value, Py_ssize_t m) except -1:
        """Append a part of Cookie."""
        global crumb_text, crumb_size
        cdef char *grown
        if self.crumbs + m + 2 > crumb_size:
            grown = <char *>realloc(crumb_text, 2 * (self.crumbs + m + 2))
            if grown == NULL:
                raise MemoryError
            crumb_text = grown
            crumb_size = 2 * (self.crumbs + m + 2)
        if m == 0:
            return 0
        if self.crumbs:
            memcpy(crumb_text + self.crumbs, b"; ", 2)
            self.crumbs += 2
        memcpy(crumb_text + self.crumbs, value, m)
        self.crumbs += m
        return 0

    cdef int _finish(self, Limits limits, bint ended) except -1:
        """Check that the head is complete and consistent."""
        cdef const char *path
        cdef Py_ssize_t i, n
        if not self.method:
            raise malformed("no :method")
        if self.protocol is None:
            check_method(PyBytes_AS_STRING(self.method), PyBytes_GET_SIZE(self.method))
        if self.path is None or self.scheme is None or not self.path or not self.scheme:
            raise malformed("no :path or no :scheme")
        if self.scheme not in (b"http", b"https"):
            raise MessageError(400, "malformed request target")
        path = PyBytes_AS_STRING(self.path)
        n = PyBytes_GET_SIZE(self.path)
        if PyBytes_GET_SIZE(self.method) + n + 10 > limits.line:
            raise MessageError(414, "request line too long")
        for i in range(n):
            if not classes[<uint8_t>path[i]] & TARGET:
                raise MessageError(400, "malformed request target")
        check_encoding(path, n)
        if path[0] != 47:
            raise MessageError(400, "malformed request target")
        self.target = self.path
        if self.hosts > 1:
            raise malformed("several Host fields")
        if self.authority is not None:
            check_host(PyBytes_AS_STRING(self.authority), PyBytes_GET_SIZE(self.authority))
            if self.hosts and self.host != self.authority and self.host.lower() != self.authority.lower():
                raise malformed("Host and :authority disagree")
            self.host = self.authority
        elif self.hosts == 0:
            raise MessageError(400, "exactly one Host is required")
        if self.crumbs and not self.append(b"cookie", 6, crumb_text, self.crumbs, NULL, True):
            raise malformed("a malformed field")
        if self.protocol is not None:
            return self._connect(limits, ended)
        if not ended:
            self.content_length = self.length if self.length >= 0 else UNKNOWN
        elif self.length > 0:
            raise malformed("less content than Content-Length")
        else:
            self.content_length = self.length if self.length == 0 else NONE
        return 0

    cdef int _connect(self, Limits limits, bint ended) except -1:
        """Convert the extended CONNECT to the Upgrade of HTTP/1.1 (RFC 8441, section 5)."""
        cdef bytes key
        if self.method != b"CONNECT" or ended or self.length >= 0:
            raise malformed(":protocol in a request that cannot have it")
        if self.protocol != b"websocket":
            raise MessageError(501, "unknown :protocol")
        self.method = b"GET"
        self.append(b"upgrade", 7, b"websocket", 9, NULL, True)
        if self.get(b"sec-websocket-key") is None:
            key = b64encode(os.urandom(16))
            self.append(b"sec-websocket-key", 17, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), NULL, True)
        self.upgrade = self.tunnels = True
        self.content_length = NONE
        return 0

    cdef int prioritize(self, const char *value, Py_ssize_t m) noexcept:
        """Read a priority (RFC 9218, section 4): of its dictionary, the members `u` and `i`."""
        cdef Py_ssize_t i = 0, begin
        self.prioritized = True
        while i < m:
            while i < m and (value[i] == 32 or value[i] == 9 or value[i] == 44):
                i += 1
            begin = i
            while i < m and value[i] != 44:
                i += 1
            while i > begin and (value[i - 1] == 32 or value[i - 1] == 9):
                i -= 1
            if i - begin == 3 and value[begin] == 117 and value[begin + 1] == 61 and 48 <= value[begin + 2] <= 55:
                self.urgency = value[begin + 2] - 48
            elif i - begin == 1 and value[begin] == 105:
                self.incremental = True
            elif i - begin == 4 and value[begin] == 105 and memcmp(value + begin + 1, b"=?", 2) == 0:
                self.incremental = value[begin + 3] == 49
            while i < m and value[i] != 44:
                i += 1
        return 0


cdef bint read_trailers(Decoder decoder, Limits limits, FieldLines lines) except -1:
    """Read the block that DECODER has begun into LINES as a trailer section; returns whether it is well formed.

    Raises:
        Http2Error: the block is malformed.
    """
    cdef Field *field
    cdef Py_ssize_t taken = 0
    cdef bint good = True
    lines.field_count = 0
    lines.text_length = 0
    while decoder.next():
        taken += decoder.name_length + decoder.value_length + 4
        if not good or taken > limits.head or lines.field_count >= limits.fields:
            good = False
            continue
        # A colon may not stand in a name, so that no pseudo-field passes.
        good = lines.append(
            decoder.name, decoder.name_length, decoder.value, decoder.value_length, decoder.note, limits.underscores
        )
        if good:
            field = lines.fields + lines.field_count - 1
            good = not connection_specific(
                lines.text + field.name, field.name_length, field.known, lines.text + field.value, field.value_length
            )
    return good
