# cython: language_level=3
"""Items with deadlines.

Rules of this file:
- Time is divided into slots. An item is in one slot at most; its owner keeps the number, 0 while it is in none.
- A deadline that is postponed costs a comparison: the item stays in its slot, and is moved to a later one when the slot
  is due. Only an earlier deadline moves the item at once.
- So the work of `due` depends on the items that are due, not on the number of all items.
"""


cdef class Deadlines:
    """`slots` has the items by slot; those before the `next` slot have been due."""

    def __cinit__(self):
        self.slots = {}
        self.next = slot_of(coarse_now())

    cdef long long put(self, object item, double deadline) except -1:
        """Add ITEM, which is in no slot, with DEADLINE, a time of `_clock`; returns its slot."""
        cdef long long slot = max(slot_of(deadline), self.next)
        items = self.slots.get(slot)
        if items is None:
            self.slots[slot] = {item}
        else:
            (<set>items).add(item)
        return slot

    cdef int remove(self, object item, long long slot) except -1:
        """Remove ITEM from SLOT."""
        items = self.slots.get(slot)
        if items is not None:
            (<set>items).discard(item)
        return 0

    cdef list due(self):
        """Remove and return the items of the slots that are due. The deadline of some is less than a slot in the
        future: they are added again, for the next call.
        """
        cdef long long now = slot_of(coarse_now())
        cdef list found = []
        while self.next <= now:
            items = self.slots.pop(self.next, None)
            if items is not None:
                found.extend(items)
            self.next += 1
        return found
