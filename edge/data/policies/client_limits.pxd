# C types for the gates; the module is plain Python.

cimport edge.data.exchange.exchange as c_exchange
from edge.data.policies.steps cimport GateStep
cimport edge.table.limits as c_limits

cdef class Rate(GateStep):
    cdef c_limits.RateLimit _limit
    cdef object _refusal

    cpdef stop(self, c_exchange.Exchange exchange)

cdef class Concurrency(GateStep):
    cdef c_limits.ConnectionLimit _limit
    cdef object _refusal

    cpdef stop(self, c_exchange.Exchange exchange)
