from edge.data.net._clock cimport coarse_now

cdef enum:
    SLOTS_A_SECOND = 10


cdef class Deadlines:
    cdef dict slots
    cdef long long next

    cdef long long put(self, object item, double deadline) except -1
    cdef int remove(self, object item, long long slot) except -1
    cdef list due(self)


cdef inline long long slot_of(double deadline) noexcept:
    """The slot in which DEADLINE is; it is not 0."""
    return <long long>(deadline * SLOTS_A_SECOND) + 1
