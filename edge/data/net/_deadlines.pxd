from edge.data.net._clock cimport coarse_now

cdef enum:
    SLOTS_A_SECOND = 10
    SLOTS = 1024


cdef struct Deadline:
    void *owner
    long long slot      # 0: it is in none
    Deadline *before    # its neighbours in the slot
    Deadline *behind


cdef class Deadlines:
    cdef Deadline *slots[SLOTS]
    cdef long long next

    cdef void put(self, Deadline *one, double time) noexcept
    cdef void remove(self, Deadline *one) noexcept
    cdef list due(self)
    cdef list all(self)


cdef inline long long slot_of(double time) noexcept:
    """The slot in which TIME is; it is not 0."""
    return <long long>(time * SLOTS_A_SECOND) + 1


cdef inline void expect_by(Deadlines deadlines, Deadline *one, double time) noexcept:
    """TIME counts for ONE from now on.

    Inline, because most calls are one comparison, for each wait of a connection.
    """
    if one.slot and one.slot <= slot_of(time):
        return
    deadlines.remove(one)
    deadlines.put(one, time)
