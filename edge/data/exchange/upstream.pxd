# C types for the attributes that are touched for every request; the module is plain Python. They are public because a
# half of an exchange may be a class of plain Python too.

from edge.data.http._content cimport Content
from edge.data.http._fields cimport FieldLines
from edge.data.http._message cimport Message, Outgoing
from edge.data.net._buffer cimport Buffer
from edge.data.net._scheduler cimport Resumable

cdef class Upstream:
    cdef public str name
    cdef public Message response
    cdef public Content content
    cdef public object waiter
    cdef public double idle_since

    cpdef begin(self, Outgoing request, double send_timeout, double read_timeout)
    cpdef send_all(self, bytes content)
    cpdef send(self, Buffer source, Py_ssize_t count)
    cpdef flush(self)
    cpdef finish(self, FieldLines trailers)
    cpdef bint await_response(self, Resumable one) except -1
    cpdef receive(self, bint first)
    cpdef start_content(self, bint bodiless)
    cpdef FieldLines trailers(self)
    cpdef long long length(self) except? -2
    cpdef bint waiting(self) except -1
    cpdef bint open(self, bint check) except -1
    cpdef bint reusable(self, bint bodiless) except -1
    cpdef release(self, double now)
    cpdef close(self)
