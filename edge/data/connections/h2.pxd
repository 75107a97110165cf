# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython

from edge.data.connections.connections cimport Connections
from edge.data.connections.h2_stream cimport Carrier, Http2Stream
from edge.data.http.h2._session cimport H2Stream, Session
from edge.data.net._outbox cimport Outbox
from edge.data.net._stream cimport Stream
from edge.data.net._waiter cimport Waiter

cdef class Http2(Carrier):
    cdef readonly Connections connections
    cdef readonly Stream stream
    cdef long long _served
    cdef long long _turn
    cdef bint _full
    cdef bint _limited
    cdef bint _over
    cdef bint _scheduled
    cdef bint _writing
    cdef Waiter _ended
    cdef object _callback

    @cython.locals(connections=Connections, stream=Stream, session=Session, event=int)
    cdef _read(self)
    cdef _handle(self, int event, H2Stream stream)
    cdef _limit(self, bint partial)
    cdef _begin(self, H2Stream stream)
    @cython.locals(out=Outbox)
    cdef bint _send(self) except -1
    @cython.locals(session=Session, waiting=list, best=Http2Stream, half=Http2Stream)
    cdef _feed(self)
    @cython.locals(connections=Connections, session=Session)
    cpdef release(self, Http2Stream half)
