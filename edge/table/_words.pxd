from libc.stdint cimport uint64_t


cdef class Words:
    cdef Py_buffer view
    cdef uint64_t *base
    cdef Py_ssize_t count
    cdef bint held

    cpdef uint64_t load(self, Py_ssize_t index) except? 0xFFFFFFFFFFFFFFFF
    cpdef store(self, Py_ssize_t index, uint64_t value)
