# C types for what is asked for every request of a route with limits; the module is plain Python.

cimport cython
from libc.stdint cimport int64_t, uint64_t

from edge.table._limits cimport key
cimport edge.table._limits as c_limits

@cython.final
cdef class RateLimit:
    cdef c_limits.Rates _rates
    cdef uint64_t _number
    cdef uint64_t _secret
    cdef uint64_t _rate
    cdef uint64_t _burst

    cpdef bint allows(self, str client)

@cython.final
cdef class ConnectionLimit:
    cdef c_limits.Counts _counts
    cdef uint64_t _number
    cdef uint64_t _secret
    cdef uint64_t _limit

    cpdef int64_t enter(self, str client)
    cpdef leave(self, int64_t place)
