# cython: language_level=3
"""Deadlines of objects.

Rules of this file:
- Time is divided into slots, which come round again: an array, and from each slot a list of its deadlines. A deadline
  is a part of its owner, is in one slot at most, and keeps its owner alive while it is in one.
- A deadline that is postponed costs a comparison: it stays in its slot, and is moved to a later one when the slot is
  due. Only an earlier time moves it at once.
- So the work of `due` depends on what is due, not on the number of all. What is further away than the last slot is due
  with that, and is put again.
"""

from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memset


cdef class Deadlines:
    """Those before the slot `next` have been due."""

    def __cinit__(self):
        memset(self.slots, 0, sizeof(self.slots))
        self.next = slot_of(coarse_now())

    cdef void put(self, Deadline *one, double time) noexcept:
        """Add ONE, which has an owner and is in no slot."""
        one.slot = min(max(slot_of(time), self.next), self.next + SLOTS - 1)
        one.before = NULL
        one.behind = self.slots[one.slot % SLOTS]
        if one.behind != NULL:
            one.behind.before = one
        self.slots[one.slot % SLOTS] = one
        Py_INCREF(<object>one.owner)

    cdef void remove(self, Deadline *one) noexcept:
        """Remove ONE, if it is in a slot. Its owner may go with it, unless the caller holds it."""
        if not one.slot:
            return
        if one.before != NULL:
            one.before.behind = one.behind
        else:
            self.slots[one.slot % SLOTS] = one.behind
        if one.behind != NULL:
            one.behind.before = one.before
        one.slot = 0
        Py_DECREF(<object>one.owner)

    cdef list due(self):
        """Remove those of the slots that are due, and return their owners. Some are to be put again: they have been
        postponed, or are due within the time of a slot.
        """
        cdef long long now = slot_of(coarse_now())
        cdef list found = []
        while self.next <= now:
            while self.slots[self.next % SLOTS] != NULL:
                found.append(<object>self.slots[self.next % SLOTS].owner)
                self.remove(self.slots[self.next % SLOTS])
            self.next += 1
        return found

    cdef list all(self):
        """The owners of all."""
        cdef Deadline *one
        cdef int slot
        cdef list found = []
        for slot in range(SLOTS):
            one = self.slots[slot]
            while one != NULL:
                found.append(<object>one.owner)
                one = one.behind
        return found
