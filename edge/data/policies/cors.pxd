# C types for what acts on every request; the module is plain Python.

from edge.data.http._fields cimport Names, joined
from edge.data.http._message cimport Message
from edge.data.policies.steps cimport AnswerStep, GateStep
cimport cython
cimport edge.data.exchange.exchange as c_exchange

cdef class Allowed(AnswerStep):
    cdef object _pattern
    cdef bytes _constant
    cdef Names _names
    cdef dict _known
    cdef bytes _last
    cdef bytes _last_lines
    cdef readonly bytes lines

    cpdef answer(self, c_exchange.Exchange exchange, Message response)
    @cython.locals(request=Message, origin=bytes, lines=bytes)
    cpdef bytes lines_for(self, c_exchange.Exchange exchange)
    cdef bytes _lines(self, bytes origin)

cdef class Preflight(GateStep):
    cdef Allowed _allowed

    cpdef stop(self, c_exchange.Exchange exchange)
