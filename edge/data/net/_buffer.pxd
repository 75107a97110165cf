cdef extern from *:
    """
    #define EDGE_BLOCK 65536
    """
    enum: EDGE_BLOCK

cdef class Buffer:
    cdef char *data
    cdef readonly Py_ssize_t start
    cdef readonly Py_ssize_t end
    cdef int lent

    cdef int reserve(self) except -1
    cdef void release(self) noexcept
    cpdef Py_ssize_t fill(self, bint wait=*) except -1
    cpdef consume(self, Py_ssize_t n)
