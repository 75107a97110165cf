# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython

cimport edge.data.exchange.upstream as c_upstream
cimport edge.data.http.clock as c_clock
from edge.data.connections.connections cimport Connections
from edge.data.connections.caller cimport Caller
from edge.data.exchange.client cimport Client
from edge.data.handling.handler cimport Handler
from edge.data.http.h2._content cimport Inbox
from edge.data.http.h2._request cimport RequestHead
from edge.data.http.h2._session cimport Session
from edge.data.http.h2._streams cimport H2Stream
from edge.data.http.h2.sending cimport Carrier, Sender
from edge.data.net._waiter cimport Turn

cdef class Http2Stream(Client)

cdef class Streams(Carrier):
    cdef readonly Caller caller
    cdef public int tunnels

    cpdef release(self, Http2Stream half)

cdef class Http2Stream(Client):
    cdef readonly H2Stream flow
    cdef readonly RequestHead head
    cdef readonly Inbox inbox
    cdef readonly Sender sender
    cdef readonly Streams connection
    cdef readonly Session session
    cdef Connections _connections
    cdef c_clock.Clock _clock
    cdef c_upstream.Upstream _watched
    cdef object _lost
    cdef object _rules
    cdef bint _waits
    cdef Handler _handler
    cdef bint _asked
    cdef Turn _turn

    @cython.locals(head=RequestHead, caller=Caller, flow=H2Stream)
    cpdef open(self, Streams connection)
    cpdef start(self)
    @cython.locals(flow=H2Stream, session=Session)
    cpdef resume(self)
    cpdef forget(self)
    cpdef lose(self, error)
    cdef _check(self)
