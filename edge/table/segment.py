"""One segment file: a hash index of slots and a log of immutable records.

Rules of this file:
- A record, once its slot has been stored, is never written again; an update appends a new one and stores the slot.
- One writer (the control plane), any number of readers in other processes, no locks.
- The file has its full size from the start (`posix_fallocate`), so a full file system is an error for the writer,
  never a SIGBUS for a reader.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from typing import TYPE_CHECKING

from edge.table import layout
from edge.table._words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIN_SLOTS = 64
MIN_LOG = 64 * 1024


class SegmentError(Exception):
    """The file is not a segment that this process can read: torn, truncated, corrupt or of another version."""


class SegmentFull(Exception):  # noqa: N818 - a state, not a fault
    """The log or the index has no room; the records must move to a larger segment."""


class Segment:
    """A mapped segment, open for reading."""

    def __init__(self, path: Path, part: int, *, writable: bool = False) -> None:
        """Map the file at PATH and check that it is a segment of PART.

        Raises:
            SegmentError: it is not.
            OSError: the file cannot be opened; FileNotFoundError when it has been replaced meanwhile.
        """
        fd = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
        try:
            actual = os.fstat(fd).st_size
            if actual < layout.SEGMENT_HEAD_SIZE:
                raise SegmentError(f"{path}: truncated")
            access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
            self.memory = mmap.mmap(fd, actual, access=access)
        finally:
            os.close(fd)
        magic, version, its_part, serial, size, slots, crc = layout.SEGMENT_HEAD.unpack_from(self.memory)
        if magic != layout.SEGMENT_MAGIC:
            raise SegmentError(f"{path}: not a segment")
        if version != layout.VERSION:
            raise SegmentError(f"{path}: format version {version}, this process reads {layout.VERSION}")
        if crc != head_crc(self.memory):
            raise SegmentError(f"{path}: corrupt head")
        if its_part != part or size != actual or slots & (slots - 1) or self.log_start(slots) > size:
            raise SegmentError(f"{path}: head and file disagree")
        self.serial: int = serial
        self.size: int = size
        self.slots: int = slots
        self.words = Words(self.memory, writable)
        self._index = layout.SEGMENT_HEAD_SIZE // layout.WORD

    @staticmethod
    def log_start(slots: int) -> int:
        """Where the log begins in a segment of SLOTS slots."""
        return layout.SEGMENT_HEAD_SIZE + slots * layout.WORD

    def find(self, key: bytes) -> int:
        """The slot word of KEY, 0 when it has none. It changes whenever the record is replaced."""
        hashed = layout.key_hash(key)
        found = self.words.find(self._index, self.slots, hashed)
        while found is not None:
            probe, slot = found
            if self._key_at(slot & layout.SLOT_OFFSET_MASK) == key:
                return slot
            found = self.words.find(self._index, self.slots, hashed, probe + 1)
        return 0

    def read(self, slot: int) -> bytes:
        """The value of the record that SLOT points to.

        Raises:
            SegmentError: the record fails its checksum.
        """
        key, value = self._record_at(slot & layout.SLOT_OFFSET_MASK)
        del key
        return value

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All (key, value) pairs, in no order.

        Raises:
            SegmentError: a record fails its checksum.
        """
        for position in range(self.slots):
            slot = self.words.load(self._index + position)
            if slot not in (layout.SLOT_EMPTY, layout.SLOT_DELETED):
                yield self._record_at(slot & layout.SLOT_OFFSET_MASK)

    def _lengths(self, offset: int) -> tuple[int, int, int]:
        if not self.log_start(self.slots) <= offset <= self.size - layout.RECORD_HEAD.size:
            raise SegmentError(f"record outside the log: {offset}")
        value_length, key_length, crc = layout.RECORD_HEAD.unpack_from(self.memory, offset)
        if offset + layout.RECORD_HEAD.size + key_length + value_length > self.size:
            raise SegmentError(f"record of impossible length at {offset}")
        return value_length, key_length, crc

    def _key_at(self, offset: int) -> bytes:
        _, key_length, _ = self._lengths(offset)
        start = offset + layout.RECORD_HEAD.size
        return self.memory[start : start + key_length]

    def _record_at(self, offset: int) -> tuple[bytes, bytes]:
        value_length, key_length, crc = self._lengths(offset)
        start = offset + layout.RECORD_HEAD.size
        body = self.memory[start : start + key_length + value_length]
        if zlib.crc32(body) != crc:
            raise SegmentError(f"record with a wrong checksum at {offset}")
        return body[:key_length], body[key_length:]


class SegmentWriter(Segment):
    """A segment that the one writer fills."""

    def __init__(self, path: Path, part: int) -> None:
        super().__init__(path, part, writable=True)
        self.path = path
        self.used = 0
        self._tail = self.log_start(self.slots)

    @classmethod
    def create(cls, path: Path, part: int, serial: int, *, records: int, log: int) -> SegmentWriter:
        """Make an empty segment at PATH with room for RECORDS keys and LOG bytes of records.

        Raises:
            OSError: the file system is full (ENOSPC) or refuses; nothing is left behind.
        """
        slots = MIN_SLOTS
        while slots < 2 * records:
            slots *= 2
        size = cls.log_start(slots) + max(log, MIN_LOG)
        size += -size % mmap.PAGESIZE
        head = bytearray(layout.SEGMENT_HEAD_SIZE)
        layout.SEGMENT_HEAD.pack_into(head, 0, layout.SEGMENT_MAGIC, layout.VERSION, part, serial, size, slots, 0)
        struct.pack_into("<I", head, layout.SEGMENT_HEAD.size - 4, head_crc(head))
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(fd, 0, size)
            os.pwrite(fd, head, 0)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(fd)
        return cls(path, part)

    def put(self, key: bytes, value: bytes) -> None:
        """Append the record and point KEY's slot to it.

        Raises:
            SegmentFull: nothing has been changed.
        """
        hashed = layout.key_hash(key)
        position = self._position(key, hashed)
        size = layout.record_size(key, value)
        if self._tail + size > self.size or (position is None and 4 * (self.used + 1) > 3 * self.slots):
            raise SegmentFull
        offset = self._tail
        body = key + value
        layout.RECORD_HEAD.pack_into(self.memory, offset, len(value), len(key), zlib.crc32(body))
        start = offset + layout.RECORD_HEAD.size
        self.memory[start : start + len(body)] = body
        self._tail += size
        if position is None:
            position = self._vacancy(hashed)
            self.used += 1
        self.words.store(position, (hashed >> layout.SLOT_TAG_SHIFT) << layout.SLOT_TAG_SHIFT | offset)

    def remove(self, key: bytes) -> None:
        """Forget KEY; its record stays in the log for those who are reading it."""
        position = self._position(key, layout.key_hash(key))
        if position is not None:
            self.words.store(position, layout.SLOT_DELETED)

    def _position(self, key: bytes, hashed: int) -> int | None:
        """Word index of KEY's slot."""
        found = self.words.find(self._index, self.slots, hashed)
        while found is not None:
            probe, slot = found
            if self._key_at(slot & layout.SLOT_OFFSET_MASK) == key:
                return self._index + ((hashed + probe) & (self.slots - 1))
            found = self.words.find(self._index, self.slots, hashed, probe + 1)
        return None

    def _vacancy(self, hashed: int) -> int:
        # Deleted slots are reused, though `used` counts them still: that only makes the next move come early.
        probe = self.words.vacancy(self._index, self.slots, hashed)
        if probe is None:
            raise SegmentFull
        return self._index + ((hashed + probe) & (self.slots - 1))


def head_crc(head: bytes | bytearray | mmap.mmap) -> int:
    """CRC-32 of a segment's head, without the field that holds it."""
    return zlib.crc32(head[: layout.SEGMENT_HEAD.size - 4])
