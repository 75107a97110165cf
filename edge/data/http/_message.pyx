# cython: language_level=3
"""A message, whatever HTTP version carries it (RFC 9110, section 6): method, target and status, its fields.

Rules of this file:
- Policies, the log and both halves of an exchange use messages only. Each version has its own parser and writer
  (`edge.data.http.h1`).
- Framing fields of one version are left out when the other half writes the message.
- The rules for methods, targets, Host, expectations and lengths are here, for all versions.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from edge.data.http._fields cimport Field, FieldLines
from edge.data.http._names cimport (
    DIGIT, HEXDIGIT, HOSTNAME, classes, in_bare_requests, in_requests, in_trusted_requests, same_name,
)
from edge.data.http._request_id cimport fresh_request_id

from ipaddress import IPv6Address

from edge.data.net.errors import MessageError, malformed

NO_CONTENT = NONE
UNKNOWN_LENGTH = UNKNOWN

cdef enum:
    LONGEST_HOST = 262  # a name of 255 with its dot, and a port
    SEEN_BITS = 10
    SEEN_HOSTS = 1 << SEEN_BITS

cdef bytes GET = b"GET"
cdef bytes POST = b"POST"
METHODS = {name: name for name in (GET, b"HEAD", POST, b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE")}
IDEMPOTENT = frozenset(
    b"GET HEAD PUT DELETE OPTIONS TRACE PROPFIND PROPPATCH MKCOL COPY MOVE REPORT SEARCH QUERY".split()
)
"""RFC 9110, section 9.2.2; the last ones by IANA's registry of methods."""
cdef dict common = METHODS
cdef frozenset idempotent = IDEMPOTENT
cdef list hosts = [None] * SEEN_HOSTS
"""Of recent requests, by a hash of their bytes."""


cdef class Message(FieldLines):
    """A request or a response, reused for all messages of one half.

    `length` is the value of Content-Length, -1 without one; `chunked`: content of unknown length follows.
    `content_length`: bytes of content of a request, UNKNOWN_LENGTH or NO_CONTENT. `accel`: whether a response has
    fields by which applications control nginx (X-Accel-Buffering and others). `secure`: whether a request came to a
    port with TLS; `scope`: that of the Gateway at whose address it arrived, None: at one of Edge's own addresses; both
    are set by the connection.
    """

    def __cinit__(self):
        self.length = -1
        self.content_length = NONE
        self.request_id = -1
        self.method = self.target = self.host = self.reason = b""
        self.passes = in_requests

    @property
    def id(self):
        """The client's X-Request-ID, empty without one."""
        if self.request_id < 0:
            return b""
        return PyBytes_FromStringAndSize(
            self.text + self.fields[self.request_id].value, self.fields[self.request_id].value_length
        )

    cpdef bytes identify(self):
        """The client's X-Request-ID, or a new one if it sent none or an empty one."""
        if self.request_id >= 0 and self.fields[self.request_id].value_length:
            return self.id
        return fresh_request_id()

    def pass_on(self, *, bint claims, bint cdn):
        """Decide which fields of requests are passed on from now on.

        CLAIMS: also those that proxies set about a client. CDN: also those that a CDN sets for its origin; CLAIMS
        include them. A new message passes on those of a CDN alone.
        """
        if claims:
            self.passes = in_trusted_requests
        elif cdn:
            self.passes = in_requests
        else:
            self.passes = in_bare_requests

    def passed(self):
        """The field lines of this request that are passed on, as they came: for another request on its behalf."""
        cdef int i
        cdef Field *field
        cdef list lines = []
        for i in range(self.field_count):
            field = self.fields + i
            if not field.drop and self.passes[field.known]:
                lines.append(PyBytes_FromStringAndSize(self.text + field.name, field.line_end - field.name))
        return b"".join(lines)

    cpdef int missing(self) noexcept:
        """Which of Date (1) and Server (2) this response lacks, added up."""
        return (0 if self.has_date else 1) + (0 if self.has_server else 2)


cdef class Outgoing:
    """The request for an endpoint: a message with the changes of Edge and the route's policies.

    `old`: an endpoint that speaks HTTP/1 gets it as HTTP/1.0. `forwarded_host`: empty, there is no X-Forwarded-Host.
    `parameters`: those for a FastCGI endpoint beside the fields, by name; set by a policy that such a route always has.
    """

    def __init__(self, Message message not None):
        self.message = message
        self.method = self.target = self.host = self.forwarded_host = self.added = self.appended = self.request_id = b""
        self.length = NONE
        self.parameters = []

    cpdef bint streamed(self) noexcept:
        """Whether content of unknown length follows the head."""
        return self.length == UNKNOWN


cdef bytes method_name(const char *p, Py_ssize_t n):
    """The method at P, the same object each time where it is a common one."""
    if n == 3 and memcmp(p, b"GET", 3) == 0:
        return GET
    if n == 4 and memcmp(p, b"POST", 4) == 0:
        return POST
    cdef bytes method = PyBytes_FromStringAndSize(p, n)
    return common.get(method, method)


cpdef bint is_idempotent(bytes method) except -1:
    """Whether METHOD may be sent again although it may have been acted on."""
    return method is GET or method in idempotent


cdef int check_method(const char *p, Py_ssize_t n) except -1:
    """Check that Edge supports the method."""
    if (n == 7 and memcmp(p, b"CONNECT", 7) == 0) or (n == 5 and memcmp(p, b"TRACE", 5) == 0):
        raise MessageError(405, "CONNECT and TRACE are not served")
    return 0


cdef int check_encoding(const char *target, Py_ssize_t n) except -1:
    """Check that every percent sign of a path encodes a byte other than NUL (RFC 3986, 2.1)."""
    cdef const uint8_t *p = <const uint8_t *>target
    cdef Py_ssize_t i
    if memchr(p, 37, n) == NULL:
        return 0
    for i in range(n):
        if p[i] == 63:  # queries are split before they are decoded, and browsers send any bytes there
            return 0
        if p[i] == 37 and (
            i + 2 >= n or not classes[p[i + 1]] & classes[p[i + 2]] & HEXDIGIT or (p[i + 1] == 48 and p[i + 2] == 48)
        ):
            raise MessageError(400, "malformed percent-encoding in the request target")
    return 0


cdef long long read_length(const char *p, Py_ssize_t n, int fault) except -1:
    """The number in a Content-Length; FAULT: the status of the answer if it is not a number."""
    cdef Py_ssize_t i
    cdef long long total = 0
    if n == 0 or n > 18:
        raise malformed(fault, "malformed Content-Length")
    for i in range(n):
        if not classes[<uint8_t>p[i]] & DIGIT:
            raise malformed(fault, "malformed Content-Length")
        total = total * 10 + p[i] - 48
    return total


cdef bint expects_continue(const char *p, Py_ssize_t n) except -1:
    """Read a list of expectations (RFC 9110, 10.1.1), of which Edge knows one; empty members are ignored."""
    cdef Py_ssize_t i = 0, begin, end
    cdef bint found = False
    while i < n:
        if p[i] == 44 or p[i] == 32 or p[i] == 9:
            i += 1
            continue
        begin = end = i
        while i < n and p[i] != 44:
            i += 1
            if p[i - 1] != 32 and p[i - 1] != 9:
                end = i
        if end - begin != 12 or not same_name(p + begin, b"100-continue", 12):
            raise MessageError(417, "unknown expectation")
        found = True
    return found


cdef int check_host(const char *p, Py_ssize_t n) except -1:
    """Check that a Host is a name or an address, and a port (RFC 9110, 4.2.1 and 7.2)."""
    cdef Py_ssize_t i = 0, begin
    cdef const char *bracket
    cdef int port = 0
    if n > LONGEST_HOST:
        raise MessageError(400, "Host too long")
    if n and p[0] == 91:
        bracket = <const char *>memchr(p, 93, n)
        if bracket == NULL:
            raise MessageError(400, "malformed Host")
        while i < n and p[i] != 37:  # no zone: it is valid on the client's machine only
            i += 1
        if i < n:
            raise MessageError(400, "malformed Host")
        i = bracket - p + 1
        try:
            IPv6Address(PyBytes_FromStringAndSize(p + 1, i - 2).decode("ascii"))
        except ValueError:
            raise MessageError(400, "malformed Host") from None
    else:
        while i < n and classes[<uint8_t>p[i]] & HOSTNAME:
            if p[i] == 46 and (i == 0 or p[i - 1] == 46):
                raise MessageError(400, "empty label in Host")
            i += 1
        if i == 0:
            raise MessageError(400, "malformed Host")
    if i < n:
        if p[i] != 58:
            raise MessageError(400, "malformed Host")
        begin = i + 1
        for i in range(begin, n):
            if not classes[<uint8_t>p[i]] & DIGIT or i - begin == 5:
                raise MessageError(400, "malformed port in Host")
            port = port * 10 + p[i] - 48
        if port > 65535:
            raise MessageError(400, "malformed port in Host")
    return 0


cdef bytes host_of(const char *p, Py_ssize_t n):
    """The Host at P, as `check_host`. A recent one is the same object again: neither checked nor hashed."""
    cdef uint64_t hashed = n, word = 0
    cdef Py_ssize_t i = 0
    cdef bytes host
    while i + 8 <= n:
        memcpy(&word, p + i, 8)
        hashed = (hashed ^ word) * <uint64_t>0x9E3779B97F4A7C15
        hashed ^= hashed >> 32
        i += 8
    word = 0
    memcpy(&word, p + i, n - i)
    hashed = (hashed ^ word) * <uint64_t>0x9E3779B97F4A7C15
    cdef Py_ssize_t at = hashed >> (64 - SEEN_BITS)
    host = <bytes>hosts[at]
    if host is not None and PyBytes_GET_SIZE(host) == n and memcmp(PyBytes_AS_STRING(host), p, n) == 0:
        return host
    check_host(p, n)
    host = hosts[at] = PyBytes_FromStringAndSize(p, n)
    return host


def is_host(bytes host not None):
    """Whether HOST is a valid value of a Host field."""
    try:
        check_host(PyBytes_AS_STRING(host), PyBytes_GET_SIZE(host))
    except MessageError:
        return False
    return True
