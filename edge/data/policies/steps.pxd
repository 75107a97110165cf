# C types for what acts on every request; the module is plain Python.

from edge.data.http._message cimport Message
cimport edge.data.exchange.exchange as c_exchange

cdef class GateStep:
    cpdef stop(self, c_exchange.Exchange exchange)

cdef class EditStep:
    cpdef edit(self, c_exchange.Exchange exchange)

cdef class AnswerStep:
    cpdef answer(self, c_exchange.Exchange exchange, Message response)

cdef class PlainGate(GateStep):
    cdef object _function

    cpdef stop(self, c_exchange.Exchange exchange)

cdef class PlainEdit(EditStep):
    cdef object _function

    cpdef edit(self, c_exchange.Exchange exchange)

cdef class PlainAnswer(AnswerStep):
    cdef object _function

    cpdef answer(self, c_exchange.Exchange exchange, Message response)
