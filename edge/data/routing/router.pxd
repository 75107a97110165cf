# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.http._message cimport Message
from edge.data.routing.host_plans cimport HostPlans
cimport cython
cimport edge.data.routing.plan as c_plan
cimport edge.table.reader as c_reader

@cython.final
cdef class Router:
    cdef c_reader.TableReader _table
    cdef c_reader.Part _routes
    cdef object _planner
    cdef object _names
    cdef dict _resolved
    cdef dict _hosts
    cdef c_plan.Plan _default
    cdef object _globals
    cdef dict _chains
    cdef c_plan.Plan _misdirected
    cdef dict _unreadable
    cdef bytes _health_path
    cdef public long long generation

    @cython.locals(plans=HostPlans, plan=c_plan.Plan)
    cpdef c_plan.Plan match(self, Message request)
    cdef bint _is_probe(self, bytes target) except -1
