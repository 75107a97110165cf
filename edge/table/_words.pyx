# cython: language_level=3
"""Aligned 8-byte words of a shared mapping, loaded and stored in one piece.

Python guarantees neither single accesses nor the order of memory; this module does both: a store is a release, a
load an acquire, so that a process that sees a new word also sees all that was written before it.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #define edge_load(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define edge_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    """
    uint64_t edge_load(uint64_t *) nogil
    void edge_store(uint64_t *, uint64_t) nogil

cdef enum:
    RECORD_HEAD = 20  # size of layout.RECORD_HEAD
cdef uint64_t OFFSET_MASK = (<uint64_t>1 << 48) - 1


cdef class Words:
    """The words of BUFFER, which must be 8-byte aligned (a mapping is)."""

    def __cinit__(self, buffer, bint writable=False):
        PyObject_GetBuffer(buffer, &self.view, PyBUF_WRITABLE if writable else PyBUF_SIMPLE)
        self.held = True
        if <size_t>self.view.buf % 8:
            raise ValueError("buffer is not aligned to 8 bytes")
        self.base = <uint64_t *>self.view.buf
        self.count = self.view.len // 8

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)

    def __len__(self):
        return self.count

    cpdef uint64_t load(self, Py_ssize_t index) except? 0xFFFFFFFFFFFFFFFF:
        if index < 0 or index >= self.count:
            raise IndexError("word outside the mapping")
        return edge_load(self.base + index)

    cpdef store(self, Py_ssize_t index, uint64_t value):
        if self.view.readonly:
            raise TypeError("mapping is read-only")
        if index < 0 or index >= self.count:
            raise IndexError("word outside the mapping")
        edge_store(self.base + index, value)

    def find(self, Py_ssize_t first, uint64_t slots, uint64_t hashed, Py_ssize_t start=0):
        """Next slot of an index that may hold the key hashed to HASHED, from probe number START on.

        The index is the SLOTS words (a power of two) from word FIRST on. Gives (probe, slot word), or None when an
        empty slot ends the search. A deleted slot is skipped.
        """
        cdef uint64_t tag = hashed >> 48, mask = slots - 1, slot
        cdef Py_ssize_t probe = start
        if first < 0 or first + <Py_ssize_t>slots > self.count:
            raise IndexError("index outside the mapping")
        while probe < <Py_ssize_t>slots:
            slot = edge_load(self.base + first + ((hashed + probe) & mask))
            if slot == 0:
                return None
            if slot != 1 and slot >> 48 == tag:
                return probe, slot
            probe += 1
        return None

    def vacancy(self, Py_ssize_t first, uint64_t slots, uint64_t hashed):
        """Probe number of the first empty or deleted slot for HASHED, or None when the index is full."""
        cdef uint64_t mask = slots - 1
        cdef Py_ssize_t probe = 0
        if first < 0 or first + <Py_ssize_t>slots > self.count:
            raise IndexError("index outside the mapping")
        while probe < <Py_ssize_t>slots:
            if edge_load(self.base + first + ((hashed + probe) & mask)) <= 1:
                return probe
            probe += 1
        return None

    def used(self, Py_ssize_t first, uint64_t slots):
        """The slot words of all records in the index of SLOTS words from word FIRST on."""
        cdef Py_ssize_t position
        cdef uint64_t slot
        if first < 0 or first + <Py_ssize_t>slots > self.count:
            raise IndexError("index outside the mapping")
        words = []
        for position in range(first, first + <Py_ssize_t>slots):
            slot = edge_load(self.base + position)
            if slot > 1:
                words.append(slot)
        return words

    def copy_records(self, Py_ssize_t first, uint64_t slots, Words target, Py_ssize_t target_first,
                     uint64_t target_slots, Py_ssize_t tail):
        """Copy every record in use into TARGET, whose log is free from byte TAIL on and whose index is empty.

        Both are segments as `edge.table.layout` describes them. Gives TARGET's new tail and the number of records.
        The caller must ensure that there is room; ValueError if there is not, or a record exceeds the file.
        """
        cdef Py_ssize_t position, offset, size, probe, copied = 0
        cdef uint64_t slot, hashed, mask = target_slots - 1
        cdef unsigned char *record
        if first < 0 or first + <Py_ssize_t>slots > self.count:
            raise IndexError("index outside the mapping")
        if target.view.readonly or target_first < 0 or target_first + <Py_ssize_t>target_slots > target.count:
            raise IndexError("index outside the target")
        for position in range(first, first + <Py_ssize_t>slots):
            slot = edge_load(self.base + position)
            if slot <= 1:
                continue
            offset = <Py_ssize_t>(slot & OFFSET_MASK)
            if offset + RECORD_HEAD > self.count * 8:
                raise ValueError("record outside the file")
            record = <unsigned char *>self.base + offset
            size = RECORD_HEAD + <Py_ssize_t>(<uint32_t *>(record + 8))[0] + <Py_ssize_t>(<uint32_t *>(record + 12))[0]
            if offset + size > self.count * 8:
                raise ValueError("record of impossible length")
            size = (size + 7) // 8 * 8
            if offset + size > self.count * 8 or tail + size > target.count * 8:
                raise ValueError("no room in the target")
            memcpy(<unsigned char *>target.base + tail, record, size)
            hashed = (<uint64_t *>record)[0]
            probe = 0
            while (target.base + target_first + ((hashed + probe) & mask))[0] != 0:
                probe += 1
                if probe >= <Py_ssize_t>target_slots:
                    raise ValueError("no room in the target's index")
            edge_store(target.base + target_first + ((hashed + probe) & mask), hashed >> 48 << 48 | <uint64_t>tail)
            tail += size
            copied += 1
        return tail, copied
