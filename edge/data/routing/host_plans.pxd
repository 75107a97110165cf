# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.http._message cimport Message
from edge.table.paths cimport normal_path
cimport cython
cimport edge.data.routing.plan as c_plan
cimport edge.table.patterns.matching as c_matching

@cython.final
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

    @cython.locals(path=bytes)
    cpdef c_plan.Plan match(self, Message request)

    cpdef c_plan.Plan _limited(self, bytes path, Message request)

    cpdef c_plan.Plan _longest_of(self, bytes path)

    @cython.locals(pattern=c_matching.Pattern, plan=c_plan.Plan)
    cpdef c_plan.Plan _by_pattern(self, bytes path, Message request)
