cdef class Polled:
    cdef bint over
    cdef void *behind

    cdef int happened(self, int side, unsigned int events) except -1
    cdef int failed(self) except -1


cdef class Readable(Polled):
    cdef int fd
    cdef object callback
    cdef readonly bint again
    cdef unsigned int batch

    cdef int call(self) except -1


cdef enum:
    P_IN = 0x001
    P_OUT = 0x004
    P_ERR = 0x008
    P_HUP = 0x010
    P_RDHUP = 0x2000

cdef int follow(Polled one, int fd, int side, unsigned int events) except -1
cdef int follow_again(Polled one, int fd, int side, unsigned int events) except -1
cdef int watch(Polled one, int fd) except -1
cdef int unwatch(Polled one, int fd) except -1
cdef int bury(Polled one) except -1
