# C types for what acts on every request; the module is plain Python.

from edge.data.policies.steps cimport EditStep
from edge.table.paths cimport normal_path, path_of
cimport cython
cimport edge.data.exchange.exchange as c_exchange
cimport edge.data.http._message as c_message
cimport edge.table.patterns.matching as c_matching

cdef unsigned char SLASH

cdef class Rewriting(EditStep):
    cdef c_matching.Pattern _pattern
    cdef c_matching.Expansion _target
    cdef c_matching.Expansion _prefix

    cpdef gate(self, c_exchange.Exchange exchange)

    @cython.locals(outgoing=c_message.Outgoing, target=bytes, path=bytes, groups=tuple, changed=bytes)
    cpdef edit(self, c_exchange.Exchange exchange)

    @cython.locals(groups=tuple)
    cdef tuple _match(self, bytes target)
