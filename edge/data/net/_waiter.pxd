cdef class Waiter:
    cdef object greenlet
    cdef object loop
    cdef object hub_switch
    cdef double deadline
    cdef bint late
    cdef readonly object failure

    cpdef wait(self, double timeout)
    cpdef extend(self, double timeout)
    cpdef wake(self)
    cpdef fail(self, failure)
