# cython: language_level=3
"""Parses heads of HTTP/2 responses strictly (RFC 9113, section 8).

Rules of this file:
- As for requests, a head is converted to the text of HTTP/1.1.
- A malformed response is not passed on. The block is read to its end in any case.
"""

from http import HTTPStatus

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memcmp

from edge.data.http._fields cimport Field, Limits
from edge.data.http._message cimport NONE, Message, read_length
from edge.data.http._names cimport ACCEL, CONTENT_LENGTH, DATE, DIGIT, MESSAGE, SERVER, classes
from edge.data.http.h2._hpack cimport Decoder
from edge.data.http.h2._request cimport connection_specific

from edge.data.net.errors import ResponseError

REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
"""For clients that speak HTTP/1.1."""
cdef bytes OK = REASONS[200]


cdef class ResponseHead(Message):
    """The head of a response, reused for one stream after another; `size`: bytes, as they would be in HTTP/1.1."""

    cdef int read(self, Decoder decoder, Limits limits) except -1:
        """Read the block that DECODER has begun.

        Raises:
            Http2Error: the block is malformed.
        """
        self.field_count = 0
        self.text_length = 0
        self.version = 20
        self.status = 0
        self.length = -1
        self.content_length = NONE
        self.request_id = -1
        self.chunked = self.upgrade = self.seen_forwarded = self.has_date = self.has_server = self.accel = False
        self.size = 0
        self.regular = False
        self.fault = None
        while True:
            try:
                while decoder.next():
                    if self.fault is None:
                        self._take(decoder, limits)
                break
            except ResponseError as error:
                self.fault = str(error)
        if self.fault is None and self.status == 0:
            self.fault = "no :status"
        self.reason = OK if self.status == 200 else REASONS.get(self.status, b"")
        return 0

    cpdef switch(self, bytes accept):
        """Convert the answer that accepts a WebSocket to that of HTTP/1.1, with ACCEPT (RFC 8441, section 5)."""
        self.status = 101
        self.reason = REASONS[101]
        self.append(b"upgrade", 7, b"websocket", 9, NULL, True)
        self.append(b"sec-websocket-accept", 20, PyBytes_AS_STRING(accept), PyBytes_GET_SIZE(accept), NULL, True)

    cdef int _take(self, Decoder decoder, Limits limits) except -1:
        """Add the field that DECODER has read."""
        cdef const char *name = decoder.name
        cdef const char *value = decoder.value
        cdef Py_ssize_t n = decoder.name_length, m = decoder.value_length
        cdef Field *field
        self.size += n + m + 4
        if self.size > limits.head:
            raise ResponseError("response head too large")
        if n and name[0] == 58:
            if self.regular or self.status or n != 7 or memcmp(name, b":status", 7) != 0:
                raise ResponseError("a pseudo-field that is unknown, or in the wrong place")
            if m != 3 or not (
                classes[<uint8_t>value[0]] & classes[<uint8_t>value[1]] & classes[<uint8_t>value[2]] & DIGIT
            ):
                raise ResponseError("malformed status code")
            self.status = (value[0] - 48) * 100 + (value[1] - 48) * 10 + value[2] - 48
            if self.status < 100 or self.status == 101:  # which HTTP/2 has not (8.6)
                raise ResponseError("malformed status code")
            return 0
        self.regular = True
        if self.field_count >= limits.fields:
            raise ResponseError("too many header fields")
        if not self.append(name, n, value, m, decoder.note, limits.underscores):
            raise ResponseError("a malformed field")
        field = self.fields + self.field_count - 1
        if field.known > MESSAGE:
            self._interpret(field)
        return 0

    cdef int _interpret(self, Field *field) except -1:
        """Interpret a field that frames the message, or that Edge adds if it is missing."""
        cdef const char *value = self.text + field.value
        if connection_specific(self.text + field.name, field.name_length, field.known, value, field.value_length):
            raise ResponseError("a field of the connection")
        if field.known == CONTENT_LENGTH:
            if self.length >= 0:
                raise ResponseError("several Content-Length fields")
            self.length = read_length(value, field.value_length, 502)
        elif field.known == DATE:
            self.has_date = True
        elif field.known == SERVER:
            self.has_server = True
        elif field.known == ACCEL:
            self.accel = True
        return 0
