# C types for the attributes that are touched for every request; the module is plain Python.

cimport edge.data.http.clock as c_clock
from edge.data.exchange.client cimport Client
from edge.data.handling.handler cimport Exchange

cdef class Http1(Client):
    cdef readonly object service
    cdef public bint idle
    cdef str _peer
    cdef int _port
    cdef bint _tls
    cdef bint _trusted
    cdef bytes _described
    cdef bint _keep
    cdef int _chunked
    cdef long long _served
    cdef bint _waits
    cdef c_clock.Clock _clock
    cdef Exchange _exchange
