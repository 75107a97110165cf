# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.upstream.chooser cimport Chooser
from edge.data.upstream.target cimport Target
cimport cython
cimport edge.table.reader as c_reader

cdef class Balancer(Chooser):
    cdef readonly str key
    cdef readonly object transport
    cdef public long long generation
    cdef public object record
    cdef public list targets
    cdef bint _of_two
    cdef readonly object scores
    cdef object _ring
    cdef dict _digests
    cdef bint _closed
    cdef c_reader.Part _part
    cdef object _registry
    cdef object _tls
    cdef Py_ssize_t _next

    cpdef Target choose(self, tuple tried)
    @cython.locals(targets=list, count=cython.Py_ssize_t, first=cython.Py_ssize_t, target=Target)
    cpdef Target _round_robin(self, tuple tried)
