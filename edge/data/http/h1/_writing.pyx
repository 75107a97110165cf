# cython: language_level=3
"""Heads of HTTP/1.1 messages, written with new framing (RFC 9112).

Rules of this file:
- Fields that are passed on are copied unchanged, runs of them in one piece. Framing fields, and Edge's fields about the
  client, are written only here.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy

from edge.data.http._fields cimport FieldLines
from edge.data.http._message cimport UNKNOWN, Message, Outgoing
from edge.data.http._names cimport (
    UPGRADE, X_FORWARDED_FOR, X_FORWARDED_HOST, in_responses, in_trailers,
)
from edge.data.net._digits cimport put_decimal
from edge.data.net._stream cimport Stream, append


cdef enum:
    PHRASES = 128  # bytes of the fixed text of a head and of numbers, at most


cdef inline Py_ssize_t size(bytes text) noexcept:
    return PyBytes_GET_SIZE(text)


cdef inline char *room(Stream out, Py_ssize_t n) except NULL:
    """As `Stream.room`, without a call where there is room."""
    return out.out + out.out_end if out.out_size - out.out_end >= n else out.room(n)


cdef inline char *put(char *p, bytes text) noexcept:
    """Write TEXT to P, which has room for it; where what follows goes."""
    memcpy(p, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    return p + PyBytes_GET_SIZE(text)


cdef inline char *phrase(char *p, const char *text, Py_ssize_t n) noexcept:
    """As `put`, of the N bytes at TEXT."""
    memcpy(p, text, n)
    return p + n


cdef char *framing(char *p, long long length, bint chunked) noexcept:
    """As `put`, of the field that frames content, if there is any."""
    if chunked:
        return phrase(p, b"Transfer-Encoding: chunked\r\n", 28)
    if length < 0:
        return p
    p = phrase(p, b"Content-Length: ", 16)
    p += put_decimal(p, length)
    return phrase(p, b"\r\n", 2)


cdef class HeadWriter:
    """Writes heads into the output buffer of STREAM."""

    def __init__(self, Stream stream not None):
        self.stream = stream

    cpdef request(self, Outgoing request):
        """Put the head of REQUEST into the output buffer."""
        cdef Message message = request.message
        cdef Stream out = self.stream
        cdef char *p = room(
            out,
            size(request.method) + size(request.target) + size(request.host) + size(request.request_id)
            + size(request.forwarded_host) + size(request.added) + PHRASES
        )
        p = put(p, request.method)
        p = phrase(p, b" ", 1)
        p = put(p, request.target)
        p = phrase(p, b" HTTP/1.0\r\nHost: " if request.old else b" HTTP/1.1\r\nHost: ", 17)
        p = put(p, request.host)
        if size(request.request_id):
            p = phrase(p, b"\r\nX-Request-ID: ", 16)
            p = put(p, request.request_id)
        if size(request.forwarded_host):
            p = phrase(p, b"\r\nX-Forwarded-Host: ", 20)
            p = put(p, request.forwarded_host)
        p = phrase(p, b"\r\n", 2)
        p = put(p, request.added)
        out.out_end = p - out.out
        if message.seen_forwarded:
            message.put_known(out, X_FORWARDED_FOR, b"X-Original-Forwarded-For: ", 26)
            message.put_known(out, X_FORWARDED_HOST, b"X-Original-Forwarded-Host: ", 27)
        message.copy_fields(out, message.passes)
        if message.upgrade:
            message.put_known(out, UPGRADE, b"Connection: upgrade\r\nUpgrade: ", 30)
        p = room(out, size(request.appended) + PHRASES)
        p = put(p, request.appended)
        p = framing(p, request.length, request.length == UNKNOWN)
        p = phrase(p, b"\r\n", 2)
        out.out_end = p - out.out

    cpdef response(self, Message response, bytes added, long long length, bint chunked, bint keep_alive, bint old_client=False, bytes defaults=b""):
        """Put the head of RESPONSE into the output buffer, as it goes to a client.

        DEFAULTS and ADDED are complete field lines. LENGTH is -1 for none. OLD_CLIENT speaks HTTP/1.0 and needs
        `Connection: keep-alive`.
        """
        cdef Stream out = self.stream
        cdef char *p = room(out, size(response.reason) + PHRASES)
        p = phrase(p, b"HTTP/1.1 ", 9)
        p += put_decimal(p, response.status)
        p = phrase(p, b" ", 1)
        p = put(p, response.reason)
        p = phrase(p, b"\r\n", 2)
        out.out_end = p - out.out
        response.copy_fields(out, in_responses)
        if response.status == 101 or response.status == 426:
            response.put_known(out, UPGRADE, b"Connection: upgrade\r\nUpgrade: ", 30)
        p = room(out, size(defaults) + size(added) + PHRASES)
        p = put(p, defaults)
        p = put(p, added)
        if response.status != 101:
            p = framing(p, length, chunked)
            if not keep_alive:
                p = phrase(p, b"Connection: close\r\n", 19)
            elif old_client:
                p = phrase(p, b"Connection: keep-alive\r\n", 24)
        p = phrase(p, b"\r\n", 2)
        out.out_end = p - out.out

    cpdef trailers(self, FieldLines trailers):
        """Put the TRAILERS that may be passed on, and the empty line, into the output buffer (RFC 9110, 6.5.1)."""
        cdef Stream out = self.stream
        trailers.copy_fields(out, in_trailers)
        append(out, b"\r\n", 2)
