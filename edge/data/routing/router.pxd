# C types for the attributes that are touched for every request; the module is plain Python.

cimport edge.data.routing.plan as c_plan
cimport edge.table.reader as c_reader

cdef class HostPlans:
    cdef readonly object record
    cdef readonly bint unnamed
    cdef readonly list plans
    cdef dict _exact
    cdef dict _prefix
    cdef list _strings
    cdef c_plan.Plan _default
    cdef c_plan.Plan _everything
    cdef Py_ssize_t _longest

    cpdef c_plan.Plan match(self, bytes target)

cdef class Router:
    cdef c_reader.TableReader _table
    cdef c_reader.Part _routes
    cdef object _planner
    cdef dict _resolved
    cdef dict _hosts
    cdef c_plan.Plan _default
    cdef object _settings
    cdef HostPlans _unreadable
    cdef bytes _health_path
    cdef public long long generation

    cpdef c_plan.Plan match(self, bytes host, bytes target)
    cdef bint _is_probe(self, bytes target) except -1
