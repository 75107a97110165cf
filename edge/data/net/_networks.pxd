from libc.stdint cimport int32_t, uint32_t, uint64_t

cdef class Ranges:
    cdef uint32_t *starts4
    cdef int32_t *numbers4
    cdef Py_ssize_t count4
    cdef uint64_t *starts6
    cdef int32_t *numbers6
    cdef Py_ssize_t count6

    cpdef int find(self, address) except -2
    cdef int find4(self, uint32_t address) noexcept nogil
