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


cdef inline int put(Stream out, bytes text) except -1:
    return append(out, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


cdef int put_framing(Stream out, long long length, bint chunked) except -1:
    cdef char line[48]
    cdef int n
    if chunked:
        append(out, b"Transfer-Encoding: chunked\r\n", 28)
    elif length >= 0:
        memcpy(line, b"Content-Length: ", 16)
        n = 16 + put_decimal(line + 16, length)
        memcpy(line + n, b"\r\n", 2)
        append(out, line, n + 2)
    return 0


cdef class HeadWriter:
    """Writes heads into the output buffer of STREAM."""

    def __init__(self, Stream stream not None):
        self.stream = stream

    cpdef request(self, Outgoing request):
        """Put the head of REQUEST into the output buffer."""
        cdef Message message = request.message
        cdef Stream out = self.stream
        put(out, request.method)
        append(out, b" ", 1)
        put(out, request.target)
        append(out, b" HTTP/1.0\r\nHost: " if request.old else b" HTTP/1.1\r\nHost: ", 17)
        put(out, request.host)
        if PyBytes_GET_SIZE(request.request_id):
            append(out, b"\r\nX-Request-ID: ", 16)
            put(out, request.request_id)
        if PyBytes_GET_SIZE(request.forwarded_host):
            append(out, b"\r\nX-Forwarded-Host: ", 20)
            put(out, request.forwarded_host)
        append(out, b"\r\n", 2)
        put(out, request.added)
        if message.seen_forwarded:
            message.put_known(out, X_FORWARDED_FOR, b"X-Original-Forwarded-For: ", 26)
            message.put_known(out, X_FORWARDED_HOST, b"X-Original-Forwarded-Host: ", 27)
        message.copy_fields(out, message.passes)
        if request.appended:
            put(out, request.appended)
        if message.upgrade:
            message.put_known(out, UPGRADE, b"Connection: upgrade\r\nUpgrade: ", 30)
        put_framing(out, request.length, request.length == UNKNOWN)
        append(out, b"\r\n", 2)

    cpdef response(self, Message response, bytes added, long long length, bint chunked, bint keep_alive, bint old_client=False, bytes defaults=b""):
        """Put the head of RESPONSE into the output buffer, as it goes to a client.

        DEFAULTS and ADDED are complete field lines. LENGTH is -1 for none. OLD_CLIENT speaks HTTP/1.0 and needs
        `Connection: keep-alive`.
        """
        cdef char line[32]
        cdef int n
        cdef Stream out = self.stream
        memcpy(line, b"HTTP/1.1 ", 9)
        n = 9 + put_decimal(line + 9, response.status)
        line[n] = 32
        append(out, line, n + 1)
        put(out, response.reason)
        append(out, b"\r\n", 2)
        response.copy_fields(out, in_responses)
        put(out, defaults)
        put(out, added)
        if response.status == 101 or response.status == 426:
            response.put_known(out, UPGRADE, b"Connection: upgrade\r\nUpgrade: ", 30)
        if response.status != 101:
            put_framing(out, length, chunked)
            if not keep_alive:
                append(out, b"Connection: close\r\n", 19)
            elif old_client:
                append(out, b"Connection: keep-alive\r\n", 24)
        append(out, b"\r\n", 2)

    cpdef trailers(self, FieldLines trailers):
        """Put the TRAILERS that may be passed on, and the empty line, into the output buffer (RFC 9110, 6.5.1)."""
        cdef Stream out = self.stream
        trailers.copy_fields(out, in_trailers)
        append(out, b"\r\n", 2)
