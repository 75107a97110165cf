# C types for the attributes that are touched for every request; the module is plain Python.

cdef class Terms:
    cdef readonly double connect_timeout
    cdef readonly double send_timeout
    cdef readonly double read_timeout
    cdef readonly object retry
    cdef readonly object unwanted
    cdef readonly long long body_limit
    cdef readonly Py_ssize_t largest_head
    cdef readonly object deadline
