from edge.data.http._content cimport Content
from edge.data.http.h2._session cimport Session
from edge.data.http.h2._streams cimport H2Stream
from edge.data.http.h2.sending cimport Carrier
from edge.data.net._buffer cimport Buffer
from edge.data.net._waiter cimport Waiter

cdef class Inbox(Content):
    cdef readonly Waiter waiter
    cdef public double timeout
    cdef public object broken
    cdef Session session
    cdef H2Stream stream
    cdef Carrier carrier
    cdef bytes first            # what has come, before `arrived`, if it is little; None: nothing
    cdef list arrived           # buffers, the oldest first
    cdef Py_ssize_t given

    cpdef begin(self, Session session, H2Stream stream, double timeout, Carrier carrier)
    cpdef take(self, Buffer source, Py_ssize_t n)
    cdef _end(self)
    cdef int _open(self) except -1
    cdef bint _empty(self) noexcept
    cpdef bint holds(self)
    cpdef bytes whole(self, Py_ssize_t most)
    cpdef drop(self)
