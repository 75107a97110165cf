from edge.data.net._accept cimport Counted
from edge.data.net._relay cimport Relay
from edge.data.net._sockets cimport sockaddr_in6
from edge.data.observe._stream_log cimport StreamLog
from edge.data.streams.plan cimport Destination, StreamPlan
from edge.data.upstream.chooser cimport Chooser
from edge.data.upstream.target cimport Target
from edge.table._counters cimport ProcessWords

cdef class Sessions:
    cdef object pool
    cdef ProcessWords words
    cdef Counted connections
    cdef StreamLog log

    cpdef int accept(self, int listener, StreamPlan plan, int most) except -1
    cdef int begin(self, Session session, StreamPlan plan, int client) except -1

cdef class Session(Relay):
    cdef Sessions home
    cdef StreamPlan plan
    cdef Destination destination
    cdef Chooser chooser
    cdef Target target
    cdef tuple tried
    cdef sockaddr_in6 peer
    cdef str text
    cdef object ends
    cdef bytes ahead
    cdef str name
    cdef int protocol
    cdef int status
    cdef double begun
    cdef double connecting

    cdef str address(self)
    cdef int connect(self) except -1
    cdef int ask(self, Target target) except -1
    cdef bint refused(self, int code) except -1
    cdef int connected(self) except -1
    cdef int stop_asking(self) except -1
