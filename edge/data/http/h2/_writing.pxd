from libc.stdint cimport uint8_t

from edge.data.http._fields cimport FieldLines
from edge.data.http._message cimport Outgoing
from edge.data.net._outbox cimport Outbox

cdef int put_status(Outbox out, int status) except -1
cdef int put_length(Outbox out, long long length) except -1
cdef int put_fields(Outbox out, FieldLines lines, const uint8_t *passes) except -1
cdef int put_lines(Outbox out, bytes lines) except -1
cdef int put_request(Outbox out, Outgoing request, bytes scheme, bytes protocol) except -1
