# cython: language_level=3
"""Who is to be looked at, and when.

Rules of this file:
- Time is divided into slots. An item is in one slot at most; its owner keeps the number, 0 while it is in none.
- A deadline that is put off costs a comparison: the item stays where it is, is looked at when that slot is due, and is
  put into a later one then. Only a deadline that comes nearer moves the item.
- So the work of a look goes by what is due, not by how many items there are.
"""


cdef class Deadlines:
    """`slots` has the items by slot; those before the `next` slot have been due."""

    def __cinit__(self):
        self.slots = {}
        self.next = slot_of(coarse_now())

    cdef long long put(self, object item, double deadline) except -1:
        """ITEM, which is in no slot, is to be looked at when DEADLINE, a time of `_clock`, has passed; its slot."""
        cdef long long slot = max(slot_of(deadline), self.next)
        items = self.slots.get(slot)
        if items is None:
            self.slots[slot] = {item}
        else:
            (<set>items).add(item)
        return slot

    cdef int remove(self, object item, long long slot) except -1:
        """ITEM, which is in SLOT, is in none from now on."""
        items = self.slots.get(slot)
        if items is not None:
            (<set>items).discard(item)
        return 0

    cdef list due(self):
        """The items of the slots that have come; they are in none from now on.

        The deadline of some is still to come, by less than a slot: they are put back, for the next look.
        """
        cdef long long now = slot_of(coarse_now())
        cdef list found = []
        while self.next <= now:
            items = self.slots.pop(self.next, None)
            if items is not None:
                found.extend(items)
            self.next += 1
        return found
