# C types for the gates; the module is plain Python.

cimport edge.data.exchange.exchange as c_exchange
cimport edge.table.limits as c_limits

cdef class Rate:
    cdef c_limits.RateLimit _limit
    cdef object _refusal

    cpdef gate(self, c_exchange.Exchange exchange)

cdef class Concurrency:
    cdef c_limits.ConnectionLimit _limit
    cdef object _refusal
