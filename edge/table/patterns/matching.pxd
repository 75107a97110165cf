# C types for what is matched for requests; the module is plain Python.

cimport cython

cdef class Pattern:
    cdef readonly str text
    cdef readonly Py_ssize_t groups
    cdef readonly dict names
    cdef object _plain
    cdef object _bounded
    cdef bytes _text
    cdef tuple _found

    cpdef tuple match(self, bytes text)
    cdef tuple _match_bounded(self, bytes text)

cdef class Expansion:
    cdef readonly str text
    cdef list _parts

    @cython.locals(expanded=bytes, literal=bytes, piece=bytes, group=cython.Py_ssize_t)
    cpdef bytes expand(self, tuple groups)
