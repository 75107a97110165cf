# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.http._message cimport Message
cimport edge.data.routing.plan as c_plan

cdef class HostPlans:
    cdef readonly object record
    cdef readonly tuple shared
    cdef public bint unnamed
    cdef readonly list plans
    cdef dict _exact
    cdef dict _prefix
    cdef list _strings
    cdef list _patterns
    cdef c_plan.Plan _unmatched
    cdef c_plan.Plan _default
    cdef c_plan.Plan _everything
    cdef Py_ssize_t _longest
    cdef bint _conditional

    cpdef c_plan.Plan match(self, Message request)
