# C types for the attributes that are touched for every connection; the module is plain Python.

cimport cython

from edge.data.accepting.listener cimport Listener
from edge.data.net._poller cimport Readable
from edge.data.net._stream cimport Stream
from edge.data.streams._sessions cimport Sessions
from edge.data.streams.plan cimport StreamPlan, StreamPlans

cdef class StreamListener(Listener)

cdef class Arrivals(Readable):
    cdef StreamListener _listener

    cdef int call(self) except -1

cdef class StreamListener(Listener):
    cdef str _key
    cdef StreamPlans _plans
    cdef Sessions _sessions
    cdef Readable _readable

    @cython.locals(plan=StreamPlan, room=cython.Py_ssize_t, accepted=cython.int)
    cdef bint _take(self, int most) except -1
    cdef _opened(self, Stream stream, str peer)
