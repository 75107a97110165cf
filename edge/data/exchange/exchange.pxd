# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython
from edge.data.http._message cimport Message, Outgoing
cimport edge.data.exchange.client as c_client
cimport edge.data.exchange._outcome as c_outcome

@cython.final
cdef class Exchange:
    cdef readonly c_client.Client client
    cdef readonly Outgoing outgoing
    cdef readonly c_outcome.Outcome outcome
    cdef public bytes fields
    cdef public bytes success_fields
    cdef public list releases
    cdef public dict notes
    cdef public bint begun
    cdef public object coding

    cpdef begin(self)
    cpdef note(self, key, value)
    cpdef on_release(self, release)
    cpdef release(self)
