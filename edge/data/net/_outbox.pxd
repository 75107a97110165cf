cdef class Outbox:
    cdef char *data
    cdef Py_ssize_t start
    cdef Py_ssize_t end
    cdef Py_ssize_t size

    cdef char *room(self, Py_ssize_t n) except NULL
    cdef int put(self, const char *p, Py_ssize_t n) except -1
    cdef void release(self) noexcept
