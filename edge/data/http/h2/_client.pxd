from libc.stdint cimport uint32_t

from edge.data.http._message cimport Outgoing
from edge.data.http.h2._session cimport Session
from edge.data.http.h2._streams cimport H2Stream

cdef class ClientSession(Session):
    cdef readonly list refused      # streams that the peer has not looked at, and will not
    cdef readonly bint leaving      # the peer takes no further streams
    cdef readonly bint connects     # it takes extended CONNECT (RFC 8441)
    cdef long long allowed          # streams at a time, by the peer
    cdef uint32_t next_id

    cpdef Py_ssize_t room(self)
    cpdef open(self, H2Stream stream, Outgoing request, bytes scheme, bint end, bytes protocol=*)
    cpdef renew(self, H2Stream stream)
    cpdef ping(self)
