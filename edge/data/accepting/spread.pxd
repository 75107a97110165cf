# C types for the attributes that are touched for every connection; the module is plain Python.

cdef class Spread:
    cdef object _directory
    cdef str _own
    cdef dict _known
    cdef tuple _others
    cdef dict _missed
    cdef double _looked
    cdef bint _young
    cdef double _young_until
    cdef Py_ssize_t _moments
    cdef double _waited_until
    cdef Py_ssize_t _accepted
    cdef Py_ssize_t _accepted_before

    cpdef bint alone(self) except -1
    cpdef double hesitation(self, Py_ssize_t own) except -1
