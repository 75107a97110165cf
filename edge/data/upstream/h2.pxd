# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.exchange.upstream cimport Upstream
from edge.data.http.h2._client cimport ClientSession
from edge.data.http.h2._content cimport Inbox
from edge.data.http.h2._streams cimport H2Stream
from edge.data.http.h2.sending cimport Carrier, Sender

cdef class H2Upstream(Upstream)

cdef class Keeper(Carrier):
    cdef readonly ClientSession client
    cdef readonly str name
    cdef readonly bytes scheme
    cdef readonly bint over

    cpdef release(self, H2Upstream upstream, bint again)
    cpdef rest(self)

cdef class H2Upstream(Upstream):
    cdef readonly Keeper connection
    cdef readonly H2Stream flow
    cdef readonly Inbox inbox
    cdef readonly Sender sender
    cdef list _interim
    cdef object _timer
    cdef object _lost
    cdef bint _unheard
    cdef bint _open
    cdef bytes _key

    cpdef join(self, Keeper connection)
    cpdef headed(self)
    cpdef reset(self)
    cpdef refuse(self)
    cpdef lose(self, error)
    cdef _check(self)
    cdef _end(self, bint again)
