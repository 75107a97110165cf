cimport cython
from edge.data.http._fields cimport FieldLines
from edge.data.http._message cimport Message, Outgoing
from edge.data.net._stream cimport Stream

@cython.final
cdef class HeadWriter:
    cdef Stream stream

    cpdef request(self, Outgoing request)
    cpdef response(self, Message response, bytes added, long long length, bint chunked, bint keep_alive, bint old_client=*, bytes defaults=*)
    cpdef trailers(self, FieldLines trailers)
