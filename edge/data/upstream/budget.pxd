# C types for the attributes that are touched for every request; the module is plain Python.

cdef class RetryBudget:
    cdef public long long requests
    cdef double _left
