# C types for the attributes; the module is plain Python.

from edge.data.http._content cimport Content

cdef class Kept(Content):
    cdef object _spool
