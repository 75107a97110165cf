# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython
from edge.data.exchange.upstream cimport Upstream
from edge.data.upstream.h1 cimport H1Upstream, Keeper
from edge.data.upstream.target cimport Target

cdef class Pool(Keeper):
    cdef object _counters
    cdef object _targets
    cdef object _limits
    cdef Py_ssize_t _keep
    cdef double _keep_for
    cdef long long _most_requests
    cdef double _longest_life
    cdef list _spares

    @cython.locals(upstream=Upstream)
    cpdef Upstream reuse(self, Target target, bint check)
    cpdef keep(self, H1Upstream upstream, double now)
