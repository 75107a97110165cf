from edge.data.net._scheduler cimport Place, Resumable


cdef class Waiter:
    cdef Place place
    cdef double deadline
    cdef bint hurried
    cdef readonly bint held
    cdef public object peer
    cdef readonly object failure

    cpdef wait(self, double timeout)
    cpdef bint hold(self, Resumable one, double timeout) except -1
    cpdef extend(self, double timeout)
    cpdef wake(self)
    cpdef fail(self, failure)
    cpdef hurry(self, bint at_once)
    cpdef renew(self)


cdef class Turn:
    cdef Place place

    cpdef call(self, Resumable one)
