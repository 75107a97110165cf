# C types for the attributes that are touched for every request; the module is plain Python.

cdef class Target:
    cdef readonly str address
    cdef readonly int port
    cdef readonly str name
    cdef public list idle
    cdef public int in_flight
    cdef public int failures
    cdef public int breaks
    cdef public double ejected_until
    cdef public double quiet_until
    cdef public int users

cdef class Balancer:
    cdef readonly str key
    cdef public long long generation
    cdef public object record
    cdef public list targets
    cdef bint _by_load
    cdef object _part
    cdef object _registry
    cdef Py_ssize_t _next

    cpdef Target choose(self, tuple tried)
    cpdef Target _round_robin(self, tuple tried)
