from edge.data.net._scheduler cimport Place


cdef class Waiter:
    cdef Place place
    cdef double deadline
    cdef bint hurried
    cdef public object peer
    cdef readonly object failure

    cpdef wait(self, double timeout)
    cpdef extend(self, double timeout)
    cpdef wake(self)
    cpdef fail(self, failure)
    cpdef hurry(self, bint at_once)
    cpdef renew(self)
