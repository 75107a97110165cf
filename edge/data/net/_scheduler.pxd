ctypedef void ev_loop

cdef struct ev_io:
    # libev's, as ev.h lays it out since version 4, with an empty EV_COMMON.
    int active
    int pending
    int priority
    void *callback
    void *next
    int fd
    int events


cdef enum:
    READ = 1   # libev's numbers
    WRITE = 2

cdef enum:
    READY = 0
    LATE = 1
    GONE = 2
    CLOSED = 3


cdef class Resumable:
    cpdef resume(self)


cdef class Scheduler:
    cdef object hub
    cdef readonly object loop
    cdef ev_loop *native
    cdef Place due
    cdef Place last
    cdef Place ready
    cdef Place last_ready
    cdef bint called
    cdef object callbacks
    cdef void *runner
    cdef list spare
    cdef Resumable first
    cdef char *base

    cdef void put(self, Place place, bint event) noexcept
    cdef void settle(self) noexcept
    cdef object pop(self)
    cdef object next_greenlet(self)
    cdef int leave(self, object greenlet) except -1
    cdef void run(self) noexcept
    cdef object _resume(self)


cdef class Place:
    cdef Scheduler scheduler
    cdef object waiting
    cdef Place behind
    cdef int woken
    cdef bint queued

    cdef int pause(self) except -1
    cdef void hold(self, Resumable one) noexcept
    cdef void wake(self, int why) noexcept


cdef class Watch(Place):
    cdef ev_io native
    cdef object foreign
    cdef object on_idle
    cdef bint armed

    cdef int open(self, int fd, int events) except -1
    cdef int arm(self) except -1
    cdef int disarm(self) except -1
    cdef int close(self) except -1
    cdef void fire(self) noexcept


cdef Scheduler scheduler_of_hub()
