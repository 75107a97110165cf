# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython
from libc.stdint cimport uint64_t

from edge.table._words cimport Words

cdef Py_ssize_t WORD_GENERATION

@cython.final
cdef class Part:
    cdef object _table
    cdef int _number
    cdef public object segment
    cdef readonly long long generation
    cdef tuple _followed
    cdef long long _file
    cdef public object on_gone
    cdef readonly dict _cache
    cdef list _unswept
    cdef bint _shut
    cdef bint _failed
    cdef dict _counted

@cython.final
cdef class TableReader:
    cdef readonly object directory
    cdef readonly long long generation
    cdef public long long refusals
    cdef public object fault
    cdef readonly tuple parts
    cdef readonly Part routes
    cdef readonly Part endpoints
    cdef readonly Part tls
    cdef public object taken_up
    cdef list _reports
    cdef Words _words
    cdef tuple _identity
    cdef uint64_t _seen
    cdef bint _behind

    cpdef bint changed(self) except -1
