# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython
from edge.data.http._fields cimport Names, joined
from edge.data.http._message cimport Message
from edge.data.upstream.terms cimport Terms
cimport edge.data.observe._format as c_format
cimport edge.data.upstream.balancer as c_balancer
cimport edge.table._counters as c_counters

@cython.final
cdef class Destination:
    cdef readonly c_balancer.Balancer balancer
    cdef readonly c_balancer.Balancer secure_balancer
    cdef readonly object reply
    cdef readonly tuple gates
    cdef readonly object choosing
    cdef readonly tuple edits
    cdef readonly tuple answers
    cdef readonly object backend
    cdef readonly int weight
    cdef readonly bint canary
    cdef readonly object labels
    cdef readonly c_format.LogName log_name
    cdef object _counters
    cdef dict _series
    cdef bytes _last_method
    cdef int _last_code
    cdef c_counters.Series _last_series

    cpdef c_counters.Series series(self, bytes method, int code)

@cython.final
cdef class Plan(Terms):
    cdef readonly str host
    cdef readonly object route
    cdef readonly tuple destinations
    cdef readonly tuple asked
    cdef readonly Destination only
    cdef double _total
    cdef readonly object demands
    cdef readonly tuple choices
    cdef readonly tuple tees
    cdef public Plan otherwise
    cdef readonly tuple gates
    cdef readonly tuple edits
    cdef readonly tuple intercepts
    cdef readonly tuple answers
    cdef readonly bytes fields
    cdef readonly bytes secure_fields
    cdef bint _last_secure
    cdef bytes _last_added
    cdef bytes _last_lines
    cdef readonly Names replaced
    cdef readonly Names secure_replaced
    cdef readonly object tracing
    cdef readonly object errors
    cdef readonly object content_type
    cdef readonly bint streams
    cdef readonly long long kept
    cdef readonly long long whole
    cdef readonly long long memory
    cdef readonly object response_buffering
    cdef readonly bint steers
    cdef readonly object pace
    cdef readonly bint logged

    cpdef bytes lines(self, bytes added, bint secure)
    cpdef Destination draw(self)
    cpdef Plan meeting(self, Message request)
