# C types for the attributes that are touched for every request; the module is plain Python. They are public because a
# half of an exchange may be a class of plain Python too.

from edge.data.http._content cimport Content
from edge.data.http._fields cimport FieldLines
from edge.data.http._message cimport Message
from edge.data.net._buffer cimport Buffer
from edge.data.net._scheduler cimport Resumable
cimport edge.data.exchange.upstream as c_upstream

cdef class Client(Resumable):
    cdef public Message request
    cdef public Content content
    cdef public long long length
    cdef public bint has_content
    cdef public bint secure
    cdef public str address
    cdef public int port
    cdef public object peer
    cdef public bytes host
    cdef public bytes forwarding
    cdef public bint upgraded

    cpdef bytes arrived(self, Py_ssize_t most)
    cpdef watch_sending(self, c_upstream.Upstream upstream)
    cpdef expect_content(self)
    cpdef FieldLines trailers(self)
    cpdef watch(self, c_upstream.Upstream upstream)
    cpdef reply(self, reply, bytes fields)
    cpdef interim(self, Message response)
    cpdef begin(self, Message response, long long length, bytes fields)
    cpdef send(self, Buffer source, Py_ssize_t count, bint last)
    cpdef flush(self)
    cpdef finish(self, FieldLines trailers)
    cpdef abort(self, bint reachable, int code=*)
    cpdef long long received(self) except -1
    cpdef long long sent(self) except -1
