# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython

@cython.final
cdef class Target:
    cdef readonly str address
    cdef readonly int port
    cdef readonly bytes socket_address
    cdef readonly object transport
    cdef readonly object tls
    cdef readonly object session
    cdef readonly str name
    cdef public list idle
    cdef readonly bint shares
    cdef readonly list shared
    cdef public object attempt
    cdef public int in_flight
    cdef public int failures
    cdef public int breaks
    cdef public double ejected_until
    cdef public double quiet_until
    cdef public int users
