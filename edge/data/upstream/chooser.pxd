# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.upstream.target cimport Target

cdef class Chooser:
    cpdef Target choose(self, tuple tried)
