"""One segment file: a hash index of slots and a log of immutable records.

Rules of this file:
- A record, once its slot has been stored, is never written again; an update appends a new one and stores the slot.
  So a record is unchanged as long as its slot's word is.
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


class Segment:
    """A mapped segment, open for reading."""

    def __init__(self, path: Path, part: int, serial: int, *, writable: bool = False) -> None:
        """Map the file at PATH and check that it is the segment SERIAL of PART.

        Raises:
            SegmentError: it is not.
            OSError: the file cannot be opened; FileNotFoundError when it has been replaced meanwhile.
        """
        fd = os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
        try:
            actual = os.fstat(fd).st_size
            if actual < layout.SEGMENT_HEAD_SIZE:
                raise SegmentError(f"{path}: truncated")
            self.memory = mmap.mmap(fd, actual, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ)
        finally:
            os.close(fd)
        magic, version, its_part, its_serial, size, slots, crc = layout.SEGMENT_HEAD.unpack_from(self.memory)
        if magic != layout.SEGMENT_MAGIC:
            raise SegmentError(f"{path}: not a segment")
        if version != layout.VERSION:
            raise SegmentError(f"{path}: format version {version}, this process reads {layout.VERSION}")
        if crc != head_crc(self.memory):
            raise SegmentError(f"{path}: corrupt head")
        if (its_part, its_serial, size) != (part, serial, actual):
            raise SegmentError(f"{path}: another segment than its name says, or truncated")
        if not _is_power_of_two(slots) or self.log_start(slots) > size:
            raise SegmentError(f"{path}: head and file disagree")
        self.serial = serial
        self.size: int = size
        self.slots: int = slots
        self.words = Words(self.memory, writable)
        self._index = layout.SEGMENT_HEAD_SIZE // layout.WORD

    @staticmethod
    def log_start(slots: int) -> int:
        """The offset of the log in a segment of SLOTS slots."""
        return layout.SEGMENT_HEAD_SIZE + slots * layout.WORD

    def find(self, key: bytes) -> tuple[int, int] | None:
        """The index of KEY's slot word and its value; None: there is no such record.

        Raises:
            SegmentError: a slot points outside of the log, or to a record that may be KEY's and fails its checksum.
        """
        return self._find(key, layout.key_hash(key))

    def slot_at(self, position: int) -> int:
        """The present value of the slot at POSITION (from `find`)."""
        return self.words.load(position)

    def read(self, slot: int) -> bytes:
        """The value of the record that SLOT points to.

        Raises:
            SegmentError: the record fails its checksum.
        """
        return self._record_at(slot & layout.SLOT_OFFSET_MASK)[1]

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All (key, value) pairs, in no order.

        Raises:
            SegmentError: a record fails its checksum.
        """
        for slot in self.words.used(self._index, self.slots):
            yield self._record_at(slot & layout.SLOT_OFFSET_MASK)

    def _find(self, key: bytes, hashed: int) -> tuple[int, int] | None:
        found = self.words.find(self._index, self.slots, hashed)
        while found is not None:
            probe, slot = found
            if self._key_at(slot & layout.SLOT_OFFSET_MASK) == key:
                return self._index + ((hashed + probe) & (self.slots - 1)), slot
            # Another key with the same top bits of the hash, one in 65,536; or this one, damaged.
            self._record_at(slot & layout.SLOT_OFFSET_MASK)
            found = self.words.find(self._index, self.slots, hashed, probe + 1)
        return None

    def _lengths(self, offset: int) -> tuple[int, int, int]:
        if offset % layout.WORD or not self.log_start(self.slots) <= offset <= self.size - layout.RECORD_HEAD.size:
            raise SegmentError(f"record outside the log: {offset}")
        _, value_length, key_length, crc = layout.RECORD_HEAD.unpack_from(self.memory, offset)
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
    """A segment that the one writer fills. Check `has_room` before `put`."""

    def __init__(self, path: Path, part: int, serial: int) -> None:
        super().__init__(path, part, serial, writable=True)
        self.path = path
        self.records = 0
        """Records that a reader finds."""
        self.live = 0
        """Bytes of the log that they take."""
        self._occupied = 0
        """Slots that are not empty: those of records, and of removed ones that searches must skip."""
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
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, size)
            os.pwrite(fd, head, 0)
            return cls(path, part, serial)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(fd)

    def has_room(self, records: int, log: int) -> bool:
        """Whether RECORDS more keys and LOG more bytes of records can be put."""
        return self._tail + log <= self.size and 4 * (self._occupied + records) <= 3 * self.slots

    def value_of(self, key: bytes) -> bytes | None:
        """The value under KEY, None when there is none."""
        found = self.find(key)
        return None if found is None else self.read(found[1])

    def put(self, key: bytes, value: bytes) -> None:
        """Append the record and point KEY's slot to it.

        Raises:
            SegmentError: there is no room; nothing has been changed.
        """
        hashed = layout.key_hash(key)
        found = self._find(key, hashed)
        size = layout.record_size(key, value)
        if not self.has_room(found is None, size):
            raise SegmentError(f"{self.path}: no room")
        offset = self._tail
        body = key + value
        layout.RECORD_HEAD.pack_into(self.memory, offset, hashed, len(value), len(key), zlib.crc32(body))
        start = offset + layout.RECORD_HEAD.size
        self.memory[start : start + len(body)] = body
        self._tail += size
        self.live += size
        if found is None:
            position = self._vacancy(hashed)
            self.records += 1
        else:
            position = found[0]
            self.live -= self._size_at(found[1])
        self.words.store(position, (hashed >> layout.SLOT_TAG_SHIFT) << layout.SLOT_TAG_SHIFT | offset)

    def remove(self, key: bytes) -> None:
        """Remove KEY; its record stays in the log for current readers."""
        found = self.find(key)
        if found is not None:
            self.live -= self._size_at(found[1])
            self.records -= 1
            self._vacate(found[0])

    def copy_to(self, target: SegmentWriter) -> None:
        """Put all records into the empty TARGET, which must have room for them."""
        target._tail, target._occupied = self.words.copy_records(
            self._index, self.slots, target.words, target._index, target.slots, target._tail
        )
        target.records, target.live = self.records, self.live

    def _vacate(self, position: int) -> None:
        """Mark the slot as deleted; if no search continues after it, make it and those before it empty again."""
        self.words.store(position, layout.SLOT_DELETED)
        first, mask = self._index, self.slots - 1
        if self.words.load(first + ((position - first + 1) & mask)) != layout.SLOT_EMPTY:
            return
        while self.words.load(position) == layout.SLOT_DELETED:
            self.words.store(position, layout.SLOT_EMPTY)
            self._occupied -= 1
            position = first + ((position - first - 1) & mask)

    def _size_at(self, slot: int) -> int:
        value_length, key_length, _ = self._lengths(slot & layout.SLOT_OFFSET_MASK)
        return layout.padded(layout.RECORD_HEAD.size + key_length + value_length)

    def _vacancy(self, hashed: int) -> int:
        probe = self.words.vacancy(self._index, self.slots, hashed)
        if probe is None:
            raise SegmentError(f"{self.path}: index full")
        position = self._index + ((hashed + probe) & (self.slots - 1))
        self._occupied += self.words.load(position) == layout.SLOT_EMPTY
        return position


def head_crc(head: bytes | bytearray | mmap.mmap) -> int:
    """CRC-32 of a segment's head, without the field that holds it."""
    return zlib.crc32(head[: layout.SEGMENT_HEAD.size - 4])


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
