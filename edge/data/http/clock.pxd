# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython

@cython.final
cdef class Clock:
    cdef public tuple defaults
    cdef public bytes server
