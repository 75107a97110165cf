# C types; the module is plain Python. As an extension type it is searched without a look at what Python may override.

cimport cython
from edge.data.net._networks cimport Ranges

@cython.final
cdef class Networks(Ranges):
    cdef Py_ssize_t _length
