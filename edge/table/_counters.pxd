from libc.stdint cimport uint64_t


cdef class Totals:
    cdef uint64_t *rows
    cdef Py_ssize_t room
    cdef Py_ssize_t used
