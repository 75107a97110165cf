# C types for the gates; the module is plain Python.

cimport edge.data.exchange.exchange as c_exchange
cimport edge.table.limits as c_limits

cdef class Rate:
    cdef c_limits.RateLimit _limit

    cpdef gate(self, c_exchange.Exchange exchange)

cdef class Connections:
    cdef c_limits.ConnectionLimit _limit
