# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython

from edge.data.connections.connections cimport Connections
from edge.data.connections.h2_stream cimport Http2Stream, Streams
from edge.data.http.h2._session cimport Session
from edge.data.http.h2._streams cimport H2Stream
from edge.data.net._stream cimport Stream
from edge.data.net._waiter cimport Waiter

cdef int ALL_COME, DATA_COME, HEAD_COME, HEAD_FAULTY, MESSAGE_ENDED, STREAM_RESET, WINDOW_OPEN

cdef class Http2(Streams):
    cdef readonly Connections connections
    cdef long long _served
    cdef bint _full
    cdef bint _limited
    cdef bint _over
    cdef bint _awaited
    cdef object _report
    cdef Waiter _ended

    @cython.locals(connections=Connections, stream=Stream, session=Session, event=int)
    cdef bint _read(self) except -1
    cpdef resume(self)
    @cython.locals(half=Http2Stream)
    cdef _handle(self, int event, H2Stream stream)
    cdef _limit(self, bint partial)
    @cython.locals(connections=Connections, half=Http2Stream)
    cdef _begin(self, H2Stream stream)
    cpdef all_sent(self)
    @cython.locals(connections=Connections, session=Session)
    cpdef release(self, Http2Stream half)
