# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython
from edge.data.exchange.client cimport Client

@cython.final
cdef class Caller:
    cdef object _forwarding
    cdef long long _number
    cdef readonly str address
    cdef readonly object peer
    cdef readonly object scope
    cdef readonly int port
    cdef readonly bint secure
    cdef readonly bytes forwarding
    cdef readonly bint trusted
    cdef readonly bint claiming
    cdef readonly bint varies
    cdef bint _renewed

    cpdef describe(self, Client client)
