# C types for what is done for every handshake; the module is plain Python.

cimport cython

from edge.table.reader cimport TableReader

cdef class ServerContext:
    cdef readonly object context
    cdef readonly size_t address
    cdef readonly str trust
    cdef readonly str stream

cdef class Made:
    cdef readonly object certificate
    cdef readonly object tickets
    cdef readonly object options
    cdef readonly object parameters
    cdef readonly ServerContext context

    cpdef bint is_of(self, certificate, tickets, options, common) except -1

cdef class Contexts:
    cdef readonly bint http2
    cdef TableReader _table
    cdef object _names
    cdef readonly dict _keys
    cdef dict _scoped
    cdef tuple _generations
    cdef object _common
    cdef object _tickets
    cdef readonly object _made

    cpdef ServerContext choose(self, str server_name)
    cpdef choose_in(self, str scope, str server_name)
    cpdef bint rejects(self, str server_name) except -1
    cdef ServerContext _shown(self, keys)
    cdef _refresh(self)
    @cython.locals(made=Made)
    cdef ServerContext _context(self, keys, bint http)
