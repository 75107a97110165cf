# C types for the attributes; the module is plain Python.

from edge.data.exchange.upstream cimport Upstream
from edge.data.http._content cimport Content

cdef class Ahead(Content):
    cdef readonly object section
    cdef Upstream _upstream
    cdef long long _memory
    cdef long long _most
    cdef object _free
    cdef object _spool
    cdef long long _offset
    cdef bint _ended
    cdef object _fault
    cdef object _more
    cdef object _drained
    cdef object _greenlet
