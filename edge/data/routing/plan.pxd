# C types for the attributes that are touched for every request; the module is plain Python.

cimport edge.data.upstream.balancing as c_balancing
cimport edge.table._counters as c_counters

cdef class Plan:
    cdef readonly str host
    cdef readonly object route
    cdef readonly c_balancing.Balancer balancer
    cdef readonly tuple steps
    cdef readonly double connect_timeout
    cdef readonly double send_timeout
    cdef readonly double read_timeout
    cdef readonly object unwanted
    cdef readonly bytes hsts
    cdef readonly object labels
    cdef readonly bytes log_name
    cdef readonly bint logged
    cdef object _counters
    cdef dict _series

    cpdef c_counters.Series series(self, bytes method, int status)
