# C types for the attributes; the module is plain Python.

from edge.data.http._content cimport Content

cdef class Threads:
    cdef object _pool

cdef class Encoded(Content):
    cdef Content _content
    cdef object _encoder
    cdef object _at_hand
    cdef Threads _threads
    cdef long long _taken
    cdef long long _kept
    cdef bytes _made
    cdef bint _ended
