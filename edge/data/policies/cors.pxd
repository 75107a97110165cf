# C types for what acts on every request; the module is plain Python.

from edge.data.http._fields cimport Names, joined
from edge.data.http._message cimport Message
cimport cython
cimport edge.data.exchange.exchange as c_exchange

cdef class Allowed:
    cdef object _pattern
    cdef bytes _constant
    cdef Names _names
    cdef dict _known
    cdef bytes _last
    cdef bytes _last_lines
    cdef readonly bytes lines

    cpdef gate(self, c_exchange.Exchange exchange)
    cpdef edit(self, c_exchange.Exchange exchange, Message response)
    @cython.locals(request=Message, origin=bytes, lines=bytes)
    cpdef bytes lines_for(self, c_exchange.Exchange exchange)
    cdef bytes _lines(self, bytes origin)
