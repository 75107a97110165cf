# C types for what is done for every handshake; the module is plain Python.

from edge.table.reader cimport TableReader

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

    cpdef choose(self, str server_name)
    cpdef choose_in(self, str scope, str server_name)
    cpdef bint rejects(self, str server_name) except -1
    cdef _shown(self, keys)
    cdef _refresh(self)
    cdef _context(self, keys, bint http)
