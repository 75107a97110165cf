# C types for the attributes that are touched for every connection and datagram; the module is plain Python.

cimport cython

from edge.data.upstream.balancer cimport Balancer
from edge.data.upstream.chooser cimport Chooser
from edge.table._counters cimport Series
from edge.table.reader cimport TableReader

cdef int KINDS

cdef class Destination:
    cdef readonly Balancer balancer
    cdef readonly object backend
    cdef readonly str name
    cdef readonly object owner
    cdef object _labels
    cdef bint _by_client
    cdef object _counters
    cdef dict _series
    cdef long long _last
    cdef Series _last_series

    cpdef Chooser chooser(self, str client)
    @cython.locals(at=cython.longlong, found=Series)
    cpdef Series series(self, int protocol, int status)

cdef class StreamPlan:
    cdef readonly object record
    cdef readonly tuple destinations
    cdef long long generation
    cdef readonly bint by_client
    cdef readonly bint secured
    cdef readonly bint direct
    cdef readonly double idle_timeout
    cdef readonly double connect_timeout
    cdef readonly Py_ssize_t tries
    cdef readonly double tries_timeout
    cdef readonly bint sends_header
    cdef readonly long long responses
    cdef list _weights
    cdef Destination _only

    cpdef Destination destination(self)

cdef class StreamPlans:
    cdef TableReader _table
    cdef object _planner
    cdef object _counters
    cdef dict _made
    cdef str _last
    cdef StreamPlan _last_made
    cdef long long _generation

    @cython.locals(made=StreamPlan)
    cpdef StreamPlan find(self, str key)
