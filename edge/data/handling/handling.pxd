# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython
cimport edge.data.handling.calls as c_calls
cimport edge.data.routing.router as c_router

@cython.final
cdef class Handling:
    cdef readonly c_router.Router router
    cdef readonly c_calls.Calls calls
    cdef readonly object counters
    cdef readonly object access_log
    cdef readonly double tunnel_timeout
    cdef readonly object spools
    cdef readonly object threads
