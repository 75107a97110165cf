# C types for the attributes that are touched for every request; the module is plain Python.

cimport edge.data.http.h1._body as c_body
cimport edge.data.http.h1._head as c_head
cimport edge.data.net._stream as c_stream
cimport edge.data.upstream.balancing as c_balancing

cdef class Upstream:
    cdef readonly c_balancing.Target target
    cdef readonly c_stream.Stream stream
    cdef readonly c_head.Head head
    cdef readonly c_body.Body body
    cdef public int requests
    cdef readonly double made
    cdef public unsigned long long sent_before
    cdef public bint doubtful
    cdef public double idle_since

cdef class Upstreams:
    cdef object _counters
    cdef object _targets
    cdef Py_ssize_t _keep
    cdef double _keep_for

    cpdef Upstream reuse(self, c_balancing.Target target, bint check)
    cpdef release(self, Upstream upstream, double now)
