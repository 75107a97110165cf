# C types for the attributes that are touched for every connection; the module is plain Python.

from edge.data.connections.connections cimport Connections
from edge.data.net._scheduler cimport Resumable
from edge.data.net._stream cimport Stream
from edge.data.net._waiter cimport Turn
from edge.data.accepting.handshake cimport Handshakes
from edge.data.accepting.spread cimport Spread

cdef class Opening:
    cdef readonly Stream stream
    cdef readonly bint idle
    cdef readonly bint upgraded

cdef class Listener

cdef class Arrival(Resumable):
    cdef readonly int fd
    cdef readonly str peer
    cdef readonly bint above
    cdef Listener _listener
    cdef Stream _stream
    cdef bint _ended
    cdef Turn _turn

    cpdef turn(self)
    cpdef resume(self)
    cpdef Stream open(self)
    cpdef end(self)

cdef class Listener:
    cdef object _sock
    cdef int _fd
    cdef int _port
    cdef readonly Connections connections
    cdef object _shed
    cdef Handshakes _handshakes
    cdef Spread _spread
    cdef bint _tls
    cdef str _scope
    cdef object _plain_scope
    cdef dict _places
    cdef readonly object streams
    cdef double _complained
    cdef bint _stopped
    cdef object _loop
    cdef object _watcher
    cdef object _pause

    cpdef begin(self, Arrival arrival)
    cpdef _acceptable(self)
    cdef _accept_some(self)
    cdef bint _accept(self, int most) except -1
    cdef bint _take(self, int most) except -1
    cdef Listener _place(self, Stream stream)
    cdef _open(self, Stream stream, str peer)
    cdef _relay(self, Stream stream, accepted, str peer, source)
    cdef _origin(self, str peer, source)
    cpdef source(self, Stream stream, str peer)
