# C types for what is matched for requests; the module is plain Python.

cimport cython

@cython.final
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

@cython.final
cdef class Expansion:
    cdef readonly str text
    cdef bytes _first
    cdef tuple _numbers
    cdef tuple _literals

    @cython.locals(expanded=bytes, at=cython.Py_ssize_t, number=cython.Py_ssize_t)
    cpdef bytes expand(self, tuple groups)

cdef bytes _behind(bytes text, bytes piece)
