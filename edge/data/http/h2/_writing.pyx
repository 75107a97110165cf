# cython: language_level=3
"""Encodes fields of HTTP/2 messages (RFC 9113, section 8; RFC 7541, section 6).

Rules of this file:
- Names and values are written as literals: a dynamic table or Huffman code would cost more time than the saved bytes
  are worth, as in nginx and HAProxy. Names that the static table has are one byte.
- Cookies are marked as never to be indexed (RFC 7541, section 7.1.3).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from edge.data.http._fields cimport Field, FieldLines
from edge.data.http._message cimport Message, Outgoing
from edge.data.http._names cimport HOP, X_FORWARDED_FOR, X_FORWARDED_HOST, in_responses, look_up, lower, same_name
from edge.data.http.h2._hpack cimport put_integer, static_name
from edge.data.net._digits cimport put_decimal
from edge.data.net._outbox cimport Outbox

from edge.data.http._message import METHODS

cdef enum:
    AUTHORITY = 1        # indices of the static table
    METHOD_GET = 2
    METHOD_POST = 3
    PATH = 4
    SCHEME_HTTP = 6
    SCHEME_HTTPS = 7
    STATUS = 8
    CONTENT_LENGTH = 28
    SET_COOKIE = 55
    LITERAL = 0x00       # without indexing
    NEVER = 0x10
    INTEGERS = 18        # bytes that the integers of a field take at most
    MOST_KEPT = 256      # lines whose encoding is kept
    LONGEST_KEPT = 1024  # bytes

GET, POST = METHODS[b"GET"], METHODS[b"POST"]
"""The objects that all requests with these methods have."""
cdef bytes TRAILERS = b"trailers"
cdef dict encoded = {}
"""Lines of Edge's own to their encoding."""


cdef int put_status(Outbox out, int status) except -1:
    """Put :status."""
    cdef char *p = out.room(8)
    cdef int index = (
        8 if status == 200 else 9 if status == 204 else 10 if status == 206 else 11 if status == 304
        else 12 if status == 400 else 13 if status == 404 else 14 if status == 500 else 0
    )
    if index:
        p[0] = <char>(0x80 | index)
        out.end += 1
    else:
        p[0] = LITERAL | STATUS
        p[1] = 3
        p[2] = <char>(48 + status // 100)
        p[3] = <char>(48 + status // 10 % 10)
        p[4] = <char>(48 + status % 10)
        out.end += 5
    return 0


cdef int put_length(Outbox out, long long length) except -1:
    """Put Content-Length."""
    cdef char *p = out.room(32)
    cdef char *end = put_integer(p, LITERAL, 4, CONTENT_LENGTH)
    cdef int n = put_decimal(end + 1, length)
    end[0] = <char>n
    out.end += end + 1 + n - p
    return 0


cdef inline void put_lower(char *to, const char *name, Py_ssize_t n) noexcept:
    """Put NAME, which has no byte above 127, in lower case, 8 bytes at a time."""
    cdef Py_ssize_t i = 0
    cdef uint64_t word, capital
    while i + 8 <= n:
        memcpy(&word, name + i, 8)
        # From "A" on, and not behind "Z": bytes whose highest bit the sums set, and do not.
        capital = (word + <uint64_t>0x3F3F3F3F3F3F3F3F) & ~(word + <uint64_t>0x2525252525252525)
        word |= (capital & <uint64_t>0x8080808080808080) >> 2
        memcpy(to + i, &word, 8)
        i += 8
    while i < n:
        to[i] = <char>lower[<uint8_t>name[i]]
        i += 1


cdef int put_new(Outbox out, const char *name, Py_ssize_t n, bytes value) except -1:
    """Put a field whose NAME is in lower case, and none that the static table has."""
    cdef Py_ssize_t m = PyBytes_GET_SIZE(value)
    cdef char *p = out.room(n + m + INTEGERS)
    cdef char *end = put_integer(p + 1, 0, 7, n)
    p[0] = LITERAL
    memcpy(end, name, n)
    end = put_integer(end + n, 0, 7, m)
    memcpy(end, PyBytes_AS_STRING(value), m)
    out.end += end + m - p
    return 0


cdef int put_field(Outbox out, const char *name, Py_ssize_t n, const char *value, Py_ssize_t m) except -1:
    """Put a field whose NAME may have capitals."""
    cdef char *p = out.room(n + m + INTEGERS)
    # The name is written where it belongs if the static table does not have it.
    cdef char *text = put_integer(p + 1, 0, 7, n)
    cdef char *end
    cdef int index
    put_lower(text, name, n)
    index = static_name(text, n)
    if index:
        end = put_integer(p, NEVER if index == SET_COOKIE else LITERAL, 4, index)
    else:
        p[0] = LITERAL
        end = text + n
    end = put_integer(end, 0, 7, m)
    memcpy(end, value, m)
    out.end += end + m - p
    return 0


cdef int put_fields(Outbox out, FieldLines lines, const uint8_t *passes) except -1:
    """Put those of LINES whose known name PASSES."""
    cdef int i
    cdef Field *field
    for i in range(lines.field_count):
        field = lines.fields + i
        if not field.drop and passes[field.known]:
            put_field(out, lines.text + field.name, field.name_length, lines.text + field.value, field.value_length)
    return 0


cdef int put_without(Outbox out, Message message, const char *name, Py_ssize_t n) except -1:
    """Put those of MESSAGE that are passed on, except the fields NAME."""
    cdef int i
    cdef Field *field
    for i in range(message.field_count):
        field = message.fields + i
        if field.name_length == n and same_name(message.text + field.name, name, n):
            continue
        if not field.drop and message.passes[field.known]:
            put_field(out, message.text + field.name, field.name_length, message.text + field.value, field.value_length)
    return 0


cdef int put_literal(Outbox out, int index, bytes value) except -1:
    """Put VALUE under the name that the static table has at INDEX."""
    cdef Py_ssize_t m = PyBytes_GET_SIZE(value)
    cdef char *p = out.room(m + INTEGERS)
    cdef char *end = put_integer(put_integer(p, LITERAL, 4, index), 0, 7, m)
    memcpy(end, PyBytes_AS_STRING(value), m)
    out.end += end + m - p
    return 0


cdef int put_joined(Outbox out, FieldLines lines, int known, const char *name, Py_ssize_t n) except -1:
    """Put all values of a KNOWN field of LINES, joined, under another NAME."""
    cdef int i
    cdef Field *field
    cdef list values = []
    for i in range(lines.field_count):
        field = lines.fields + i
        if field.known == known and not field.drop:
            values.append(PyBytes_FromStringAndSize(lines.text + field.value, field.value_length))
    if values:
        value = b", ".join(values)
        put_field(out, name, n, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    return 0


cdef bint takes_trailers(FieldLines lines):
    """Whether the TE of a request has `trailers` (RFC 9110, section 10.1.4)."""
    cdef int i
    cdef Field *field
    for i in range(lines.field_count):
        field = lines.fields + i
        if field.known == HOP and field.name_length == 2:
            if field.value_length == 8 and memcmp(lines.text + field.value, b"trailers", 8) == 0:
                return True
            value = PyBytes_FromStringAndSize(lines.text + field.value, field.value_length)
            if b"trailers" in [one.strip().lower() for one in value.split(b",")]:
                return True
    return False


cdef int put_request(Outbox out, Outgoing request, bytes scheme, bytes protocol) except -1:
    """Put the head of REQUEST, for an URI of SCHEME; PROTOCOL: as an extended CONNECT for it (RFC 8441, section 4)."""
    cdef Message message = request.message
    if PyBytes_GET_SIZE(protocol):
        put_literal(out, METHOD_GET, b"CONNECT")
        put_new(out, b":protocol", 9, protocol)
    elif request.method is GET:
        put_index(out, METHOD_GET)
    elif request.method is POST:
        put_index(out, METHOD_POST)
    else:
        put_literal(out, METHOD_GET, request.method)
    put_index(out, SCHEME_HTTPS if scheme == b"https" else SCHEME_HTTP)
    if PyBytes_GET_SIZE(request.host):
        put_literal(out, AUTHORITY, request.host)
    put_literal(out, PATH, request.target)
    if PyBytes_GET_SIZE(request.request_id):
        put_new(out, b"x-request-id", 12, request.request_id)
    if PyBytes_GET_SIZE(request.forwarded_host):
        put_new(out, b"x-forwarded-host", 16, request.forwarded_host)
    put_lines(out, request.added)
    if message.seen_forwarded:
        put_joined(out, message, X_FORWARDED_FOR, b"x-original-forwarded-for", 24)
        put_joined(out, message, X_FORWARDED_HOST, b"x-original-forwarded-host", 25)
    if PyBytes_GET_SIZE(protocol):
        put_without(out, message, b"sec-websocket-key", 17)
    else:
        put_fields(out, message, message.passes)
    if request.appended:
        put_lines(out, request.appended)
    if takes_trailers(message):
        put_new(out, b"te", 2, TRAILERS)
    if request.length >= 0:
        put_length(out, request.length)
    return 0


cdef int put_index(Outbox out, int index) except -1:
    """Put the field that the static table has at INDEX as a whole."""
    out.room(1)[0] = <char>(0x80 | index)
    out.end += 1
    return 0


cdef int put_lines(Outbox out, bytes lines) except -1:
    """Put complete field LINES of Edge's own; connection-specific fields of HTTP/1.1 are left out, also of requests.

    Most are the same for all requests of a connection, or for a second: they are encoded once.
    """
    cdef Py_ssize_t at
    cdef bytes block
    if PyBytes_GET_SIZE(lines) == 0:
        return 0
    block = encoded.get(lines)
    if block is not None:
        return out.put(PyBytes_AS_STRING(block), PyBytes_GET_SIZE(block))
    at = out.end - out.start
    encode_lines(out, lines)
    if PyBytes_GET_SIZE(lines) <= LONGEST_KEPT:
        if len(encoded) == MOST_KEPT:
            encoded.clear()
        encoded[lines] = PyBytes_FromStringAndSize(out.data + out.start + at, out.end - out.start - at)
    return 0


cdef int encode_lines(Outbox out, bytes lines) except -1:
    """As `put_lines`."""
    cdef const char *p = PyBytes_AS_STRING(lines)
    cdef const char *end = p + PyBytes_GET_SIZE(lines)
    cdef const char *colon
    cdef const char *value
    cdef const char *stop
    while p < end:
        colon = <const char *>memchr(p, 58, end - p)
        stop = <const char *>memchr(p, 13, end - p)
        if colon == NULL or stop == NULL or colon > stop or colon == p:
            raise ValueError("field lines of our own are malformed")
        value = colon + 1
        while value < stop and value[0] == 32:
            value += 1
        if in_responses[look_up(p, colon - p)]:
            put_field(out, p, colon - p, value, stop - value)
        p = stop + 2
    return 0
