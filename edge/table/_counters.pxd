cimport cython
from libc.stdint cimport int64_t, uint64_t


cdef class Totals:
    cdef uint64_t *rows
    cdef Py_ssize_t room
    cdef Py_ssize_t used


cdef class ProcessWords:
    cdef Py_buffer view
    cdef bint held
    cdef uint64_t *words
    cdef Py_ssize_t count

    cdef void attach(self, buffer, Py_ssize_t first, Py_ssize_t count) except *
    cdef void count_up(self, Py_ssize_t which, int64_t n) noexcept nogil


@cython.final
cdef class Series:
    cdef uint64_t *entry
    cdef ProcessWords process
    cdef Py_ssize_t total
    cdef object chunk

    cpdef record(self, double duration, double upstream, int64_t received, int64_t sent)
