# C types for the gate; the module is plain Python.

cimport edge.data.exchange.exchange as c_exchange
cimport edge.data.net.networks as c_networks
from edge.data.policies.steps cimport GateStep

cdef class Addresses(GateStep):
    cdef c_networks.Networks _denied
    cdef c_networks.Networks _allowed

    cpdef stop(self, c_exchange.Exchange exchange)
