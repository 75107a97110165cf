# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython

from edge.data.http.h2._session cimport Session
from edge.data.http.h2._streams cimport H2Stream
from edge.data.net._buffer cimport Buffer
from edge.data.net._outbox cimport Outbox
from edge.data.net._scheduler cimport Resumable
from edge.data.net._stream cimport Stream
from edge.data.net._waiter cimport Waiter

cdef Py_ssize_t MOST_OUT

cdef class Sender

cdef class Carrier(Resumable):
    cdef readonly Stream stream
    cdef readonly Session session
    cdef readonly list waiting
    cdef readonly bint writing
    cdef long long _turn
    cdef bint _scheduled
    cdef object _callback

    cpdef schedule(self)
    cpdef all_sent(self)
    cpdef Py_ssize_t room(self)
    cpdef wait(self, Sender sender)
    @cython.locals(out=Outbox)
    cdef bint _send(self) except -1
    @cython.locals(session=Session, waiting=list, best=Sender, sender=Sender)
    cdef _feed(self)

cdef class Sender:
    cdef public long long turn
    cdef readonly Py_ssize_t left
    cdef public double timeout
    cdef readonly Waiter room
    cdef readonly Carrier carrier
    cdef readonly Session session
    cdef readonly H2Stream flow
    cdef Buffer _source
    cdef bint _last

    cpdef open(self, Carrier carrier, H2Stream flow, double timeout)
    @cython.locals(carrier=Carrier, session=Session, flow=H2Stream, room=Py_ssize_t, put=Py_ssize_t)
    cpdef send(self, Buffer source, Py_ssize_t count, bint last)
    @cython.locals(at=Py_ssize_t, room=Py_ssize_t, put=Py_ssize_t)
    cpdef send_all(self, bytes content)
    cpdef bint feed(self) except -1
    cpdef bint goes_before(self, Sender other)
    cpdef fail(self, error)
    cdef _drop(self)
