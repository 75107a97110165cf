"""Reads the table: a worker's side of the shared-memory files.

Rules of this file:
- Nothing here blocks or takes a lock. `changed()` costs one load of the generation word and may be called per request.
- Records are decoded on demand. A decoded record is kept until its slot changes, and dropped, a few at a time, when the
  record is gone. Keys that are not in the table are not remembered.
- A host's routes that this release cannot read are closed (`edge.table.salvage`), even if an earlier version is known.
- If a record cannot be read at all, its last good version stays in force; a part whose new segment cannot be read stays
  as it is, without effect on the other parts.
- A record that cannot be read never counts as absent: without an earlier version `UnreadableError` is raised, so that
  no other record takes its place. `reopen` tries again.
- Every fault of a file (torn, truncated, corrupt, another version) is counted in `refusals`, a record once for each of
  its versions. `fault` is the newest one, `take_reports` returns those of records for the log.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Generic, TypeVar

from edge.table import layout
from edge.table._words import Words
from edge.table.codec import DecodeError, decode
from edge.table.layout import WORD_GENERATION
from edge.table.record import Record
from edge.table.salvage import salvage
from edge.table.segment import Segment, SegmentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

R = TypeVar("R", bound=Record)

SWEEP = 64
"""Remembered records of each part that `reopen` checks."""
MOST_NOTED = 1000
"""Faulty records of each part that are remembered as counted."""
MOST_REPORTS = 100
"""Records that `TableReader.take_reports` names at a time."""


class UnreadableError(Exception):
    """There is a record, or there may be one, and it cannot be read."""

    consequence = "its last good version stays in force, or else requests for it are answered 503"


class PartlyUnreadableError(UnreadableError):
    """A record has routes that cannot be read."""

    consequence = "these routes are closed: their requests are answered 503"


class Cached(Generic[R]):
    """A decoded record and the place that it was decoded from."""

    __slots__ = ("file", "generation", "position", "raw", "record", "slot")

    def __init__(self, record: R, raw: bytes, *, file: int, position: int, slot: int, generation: int) -> None:
        self.record = record
        self.raw = raw
        self.file = file
        self.position = position
        self.slot = slot
        self.generation = generation


class Part:
    """One part of the table as this process sees it."""

    def __init__(self, table: TableReader, number: int) -> None:
        self._table = table
        self._number = number
        self.segment: Segment | None = None
        self.generation = 0
        """Incremented with each change of this part that has been read; local to this process."""
        self._followed = (0, 0)
        """Serial and generation of the head that have been read."""
        self._file = 0
        """Number of the segment among those that were opened here: serials may come again under another head."""
        self.on_gone: Callable[[str], None] | None = None
        """Called by `sweep` with each remembered key that is no longer in the table."""
        self._cache: dict[str, Cached[Record]] = {}
        self._unswept: list[str] = []
        self._shut = False
        """Whether the head refers to a segment that has not been opened; an earlier one may be in force."""
        self._failed = False
        """Whether a record could not be read since the last `try_again`."""
        self._counted: dict[str, tuple[int, int]] = {}
        """Number of the file, and slot, of the records whose refusal has been counted."""

    def get(self, key: str, kind: type[R]) -> R | None:
        """The record of KIND under KEY, None when there is none.

        The same object as last time as long as the record's bytes are the same, so `is` shows whether it changed.

        Raises:
            UnreadableError: it cannot be read, and no earlier version of it is known.
        """
        cached = self._cache.get(key)
        if cached is not None:
            if cached.generation == self.generation:
                return cached.record  # type: ignore[return-value]  # a key has records of one kind only
            segment = self.segment
            if segment is not None and cached.file == self._file and segment.slot_at(cached.position) == cached.slot:
                cached.generation = self.generation
                return cached.record  # type: ignore[return-value]  # as above
        return self._look_up(key, kind, cached)

    def items(self) -> Iterator[tuple[str, bytes]]:
        """All keys with their encoded records; for tools, not for workers."""
        if self.segment is not None:
            for key, value in self.segment.items():
                yield key.decode(), value

    def sweep(self, most: int) -> None:
        """Forget records that are no longer in the table, checking MOST of those remembered."""
        if not self._unswept:
            self._unswept = list(self._cache)
        for _ in range(min(most, len(self._unswept))):
            key = self._unswept.pop()
            cached = self._cache.get(key)
            if cached is None or cached.generation == self.generation or self.segment is None:
                continue
            try:
                found = self.segment.find(key.encode())
            except SegmentError:
                continue  # the next `get` of the record reports it
            if found is None:
                del self._cache[key]
                if self.on_gone is not None:
                    self.on_gone(key)

    def _look_up(self, key: str, kind: type[R], cached: Cached[Record] | None) -> R | None:
        segment = self.segment
        if segment is None:
            if self._shut:
                raise UnreadableError(f"the part {layout.PARTS[self._number]} of the table cannot be read")
            return None
        slot = 0
        try:
            found = segment.find(key.encode())
            if found is None:
                self._cache.pop(key, None)
                self._readable(key)
                return None
            position, slot = found
            raw = segment.read(slot)
            record = cached.record if cached is not None and raw == cached.raw else self._decode(key, slot, raw, kind)
        except (SegmentError, DecodeError) as error:
            fault = UnreadableError(f'record "{key}" of {layout.PARTS[self._number]} cannot be read: {error}')
            self._note(key, slot, fault)
            if cached is None:
                raise fault from error
            return cached.record  # type: ignore[return-value]  # as above
        self._readable(key)
        self._cache[key] = Cached(
            record, raw, file=self._file, position=position, slot=slot, generation=self.generation
        )
        return record  # type: ignore[return-value]  # as above

    def _decode(self, key: str, slot: int, raw: bytes, kind: type[R]) -> R:
        """The record in RAW, with parts that cannot be read closed."""
        try:
            return decode(raw, kind)
        except DecodeError as error:
            record = salvage(raw, kind)
            if record is None:
                raise
            where = f'record "{key}" of {layout.PARTS[self._number]}'
            fault = PartlyUnreadableError(f"{where} cannot be read in part: {error}")
            self._note(key, slot, fault)
            return record

    def _note(self, key: str, slot: int, fault: UnreadableError) -> None:
        """KEY cannot be read, for FAULT."""
        self._failed = True
        version = (self._file, slot)
        fresh = self._counted.get(key) != version
        if fresh:
            if len(self._counted) >= MOST_NOTED:
                self._counted.clear()
            self._counted[key] = version
        self._table.refuse_record(fault, fresh=fresh)

    def _readable(self, key: str) -> None:
        if self._counted:
            self._counted.pop(key, None)

    def try_again(self) -> None:
        """Make users read records again if one of them could not be read."""
        if self._failed:
            self._failed = False
            self.generation += 1

    def take_up(self, serial: int, generation: int, directory: Path) -> None:
        """Open segment SERIAL of GENERATION according to the head."""
        if not serial:
            self._shut = self.segment is None  # there is a table, and a writer that publishes one fills every part
            return
        if (serial, generation) == self._followed:
            return
        if serial != self._followed[0]:
            try:
                self.segment = Segment(directory / f"{layout.PARTS[self._number]}.{serial}", self._number, serial)
            except (SegmentError, OSError) as error:
                self._shut = True
                self._table.refuse(error)
                return
            self._shut = False
            self._file += 1
        self._followed = (serial, generation)
        self.generation += 1

    def distrust(self) -> None:
        """There is another head file: forget the serials of the old one."""
        self._followed = (0, 0)


class TableReader:
    """The table in DIRECTORY, which need not exist yet."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.generation = 0
        """Of the table in force here; 0: none yet."""
        self.refusals = 0
        self.fault: Exception | None = None
        """Why the newest generation, or a record of it, was refused last."""
        self.parts = tuple(Part(self, number) for number in range(len(layout.PARTS)))
        self.routes, self.endpoints, self.tls = self.parts
        self.taken_up: Callable[[], object] | None = None
        """Called after a new generation has been read."""
        self._reports: list[str] = []
        self._words: Words | None = None
        self._identity: tuple[int, int] | None = None
        self._seen = 0
        self._behind = False
        """Whether a part of the newest generation was refused."""
        self.reopen()

    def changed(self) -> bool:
        """Whether a generation has been published that `refresh` has not read. Cheap."""
        return self._words is not None and self._words.load(WORD_GENERATION) != self._seen

    def refresh(self) -> None:
        """Read the newest generation."""
        words = self._words
        if words is None:
            return
        before = self.refusals
        for _ in range(3):  # a writer may replace a segment between reading the head and opening the file
            self.refusals = before
            self._seen = words.load(layout.WORD_GENERATION)
            if not self._seen:  # a new head without a table: what we have stays in force
                return
            for number, part in enumerate(self.parts):
                serial, generation = layout.part_words(number)
                part.take_up(words.load(serial), words.load(generation), self.directory)
            if self.refusals == before:
                self.generation = self._seen
                self.fault = None
                self._behind = False
                if self.taken_up is not None:
                    self.taken_up()
                return
        self._behind = True

    def reopen(self) -> bool:
        """Open the head, or the new one if it was replaced; to be called about once a second. Also retries what
        `refresh` refused, and records that could not be read. Returns whether there is a head.
        """
        for part in self.parts:
            part.sweep(SWEEP)
            part.try_again()
        path = self.directory / layout.HEAD_NAME
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return self._words is not None
        try:
            status = os.fstat(fd)
            identity = (status.st_dev, status.st_ino)
            if identity != self._identity:
                self._open_head(fd, status.st_size)
                self._identity = identity
        except (OSError, SegmentError) as error:
            self.refuse(error)
        finally:
            os.close(fd)
        if self._behind or self.changed():
            self.refresh()
        return self._words is not None

    def _open_head(self, fd: int, size: int) -> None:
        if size != layout.HEAD_SIZE:
            raise SegmentError("table head: truncated")
        memory = mmap.mmap(fd, size, access=mmap.ACCESS_READ)
        if not memory[:16] == layout.HEAD_PREFIX.pack(layout.HEAD_MAGIC, layout.VERSION, 0):
            raise SegmentError("table head: not a table, or one of another version")
        self._words = Words(memory)
        self._seen = 0
        for part in self.parts:
            part.distrust()

    @property
    def published(self) -> float:
        """When the newest generation was published, Unix seconds; 0: never."""
        return self._words.load(layout.WORD_PUBLISHED) / 1e9 if self._words is not None else 0.0

    def refuse(self, error: Exception) -> None:
        """Note that a part of the table was refused."""
        self.refusals += 1
        self.fault = error

    def refuse_record(self, fault: UnreadableError, *, fresh: bool) -> None:
        """Note FAULT; FRESH: it is not known yet."""
        self.fault = fault
        if fresh:
            self.refusals += 1
            if len(self._reports) < MOST_REPORTS:
                self._reports.append(f"{fault}; {fault.consequence}")

    def take_reports(self) -> list[str]:
        """The faults of records that have been refused since the last call."""
        reports, self._reports = self._reports, []
        return reports
