# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython
cimport edge.data.http.clock as c_clock
from edge.data.connections.connections cimport Connections
from edge.data.connections.caller cimport Caller
from edge.data.exchange.client cimport Client
from edge.data.handling.handler cimport Handler
from edge.data.http.h1._body cimport Body
from edge.data.http.h1._head cimport Head
from edge.data.http.h1._writing cimport HeadWriter
from edge.data.net._buffer cimport Buffer
from edge.data.net._stream cimport Stream

cdef class Http1(Client):
    cdef readonly Connections connections
    cdef readonly Stream stream
    cdef readonly Head head
    cdef readonly Body body
    cdef public bint idle
    cdef Caller _caller
    cdef bint _keep
    cdef bint _stale
    cdef int _chunked
    cdef long long _served
    cdef bint _waits
    cdef unsigned long long _sent_before
    cdef unsigned long long _switched_at
    cdef HeadWriter _writer
    cdef c_clock.Clock _clock
    cdef Handler _handler
    cdef bint _asked
    cdef bint _awaited
    cdef object _over

    cpdef resume(self)
    @cython.locals(connections=Connections, stream=Stream, head=Head, body=Body, handler=Handler)
    cpdef bint _serve(self) except -1
    cdef _finish(self)
    @cython.locals(chunked=cython.int)
    cpdef send(self, Buffer source, Py_ssize_t count, bint last)
    @cython.locals(tunnelled=cython.longlong)
    cpdef long long received(self) except -1
