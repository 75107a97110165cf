# C types for the attributes that are touched for every request; the module is plain Python.

cimport edge.data.http.h1._body as c_body
cimport edge.data.http.h1._head as c_head
cimport edge.data.net._buffer as c_buffer
cimport edge.data.net._stream as c_stream

cdef class Client:
    cdef readonly c_head.Head request
    cdef readonly c_body.Body body
    cdef readonly c_stream.Stream stream
    cdef public bint secure
    cdef public str address
    cdef public bytes forwarded_host
    cdef public bytes upstream_host
    cdef public bytes added
    cdef public bint upgraded

    cpdef expect_body(self)
    cpdef reply(self, reply, bytes hsts)
    cpdef interim(self, c_head.Head response)
    cpdef begin(self, c_head.Head response, long long length, bytes hsts)
    cpdef send(self, c_buffer.Buffer source, Py_ssize_t count, bint last)
    cpdef flush(self)
    cpdef finish(self, bytes trailers)
    cpdef write_trailers(self, c_stream.Stream stream)
    cpdef abort(self, bint reachable)
