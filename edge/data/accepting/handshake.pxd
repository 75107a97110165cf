# C types for the attributes that are touched for every connection; the module is plain Python.

cimport cython

from edge.data.accepting.contexts cimport Contexts, ServerContext
from edge.data.net._stream cimport Stream

cdef class Handshakes:
    cdef Contexts _contexts
    cdef object _counters
    cdef object _log
    cdef double _timeout
    cdef dict _pending
    cdef dict _taken
    cdef Py_ssize_t _held

    cpdef accept(self, Stream stream, str scope=*)
    @cython.locals(shown=ServerContext)
    cdef _shake(self, Stream stream, str scope)
    cdef bytes _refusal(self, ServerContext shown, str scope, str server_name)
    cdef _alert(self, Stream stream, bytes alert)
    cdef _make_room(self)
    cdef _hello(self, Stream stream)
    cdef _take(self, Stream stream, reader)
    cdef _look(self, Stream stream, reader, Py_ssize_t seen)
    cdef _hold(self, Stream stream, Py_ssize_t size)
    cdef _drop(self, Stream stream)
    cdef _not_tls(self, Stream stream, bytes data)

cdef _accepted(shown, str listener, str stream)
