# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython
cimport edge.data.http._fields as c_fields
cimport edge.data.http.clock as c_clock
from edge.data.net._accept cimport Counted
cimport edge.table.reader as c_reader

@cython.final
cdef class Connections(Counted):
    cdef public c_reader.TableReader table
    cdef readonly object counters
    cdef readonly object make_handler
    cdef readonly double keep_alive
    cdef readonly long long keep_alive_requests
    cdef readonly double header_timeout
    cdef readonly double body_timeout
    cdef readonly bint http2
    cdef readonly int most_streams
    cdef readonly bint proxied
    cdef readonly double proxy_header_timeout
    cdef readonly list spare_streams
    cdef readonly Py_ssize_t most_spare
    cdef readonly c_clock.Clock clock
    cdef readonly object forwarding
    cdef readonly c_fields.Limits limits
    cdef readonly set open
    cdef readonly Py_ssize_t most
    cdef readonly Py_ssize_t most_refusals
    cdef public Py_ssize_t refusing
    cdef public bint draining

    cpdef look(self)
