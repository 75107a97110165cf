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


cdef inline long long expected(Deadlines deadlines, object item, long long slot, double deadline) except -1:
    """DEADLINE counts for ITEM, which is in SLOT, or in none if that is 0; returns its slot from now on.

    Inline, because most calls are one comparison, for each wait of a connection.
    """
    if slot and slot <= slot_of(deadline):
        return slot
    if slot:
        deadlines.remove(item, slot)
    return deadlines.put(item, deadline)
