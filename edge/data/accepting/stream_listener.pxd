# C types for the attributes that are touched for every connection; the module is plain Python.

from edge.data.accepting.listener cimport Listener
from edge.data.net._stream cimport Stream

cdef class StreamListener(Listener):
    cdef str _key

    cdef bint _take(self, int most) except -1
    cdef _opened(self, Stream stream, str peer)
