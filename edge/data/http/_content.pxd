from edge.data.net._buffer cimport Buffer

cdef class Content:
    cdef readonly Buffer buffer
    cdef readonly bint done
    cdef readonly long long received
    cdef public bytes trailers

    cpdef Py_ssize_t fill(self) except -1
    cpdef bint finish(self)
