"""Reads the counters of all workers, living and dead, while they count.

Rules of this file:
- Reading never blocks a worker or waits for one: words are read as they are, and each series as it was at one moment,
  or at the last reading if it is being written.
- Dead workers' counters stay in the sums; gauges are reported for living workers only.
- Files that are not ours, damaged or of another version are skipped.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.table import counter_layout as layout
from edge.table._counters import STATUS_CLASSES, TIME_BUCKETS, Chunk, Shadow, Totals
from edge.table._words import Words
from edge.table.counter_layout import GAUGES, SeriesKey, WorkerWord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SLACK = 1024
"""Rows that may be kept for series that are gone, in addition to as many as there are series."""


@dataclass(frozen=True, slots=True)
class Worker:
    """The words of one slot."""

    slot: int
    alive: bool
    """Whether a process holds the slot."""
    silence: float
    """Seconds since its last heartbeat."""
    words: tuple[int, ...]

    def __getitem__(self, which: WorkerWord) -> int:
        return self.words[which]


class SeriesSums:
    """The series of all slots summed, as one reading found them."""

    def __init__(self, keys: list[SeriesKey], totals: Totals) -> None:
        self.keys = keys
        """The key of each row of `totals`; a later reading has the same objects in the same rows, and more, unless the
        rows have been numbered again."""
        self.totals = totals

    def items(self) -> Iterator[tuple[SeriesKey, int]]:
        """Every series that has counted something, and its row in `totals`."""
        for row, key in enumerate(self.keys):
            if self.totals.requests(row):
                yield key, row

    def values(self) -> dict[SeriesKey, tuple[int, ...]]:
        """The numbers of every series, as they stand in an entry."""
        return {key: self.totals.values(row) for key, row in self.items()}


class _Slot:
    """The open file of a slot."""

    def __init__(self, number: int, fd: int, identity: tuple[int, int]) -> None:
        self.number = number
        self.fd = fd
        self.identity = identity
        self.words = Words(mmap.mmap(fd, layout.WORKER_SIZE, access=mmap.ACCESS_READ))

    def alive(self) -> bool:
        """Whether a worker holds the lock."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self.fd, fcntl.LOCK_UN)
        return False

    def read(self) -> Worker:
        values = [self.words.load(layout.WORKER_FIRST + which) for which in WorkerWord]
        for gauge in GAUGES:
            if values[gauge] >= 1 << 63:
                values[gauge] -= 1 << 64
        silence = (time.monotonic_ns() - values[WorkerWord.HEARTBEAT]) / 1e9
        return Worker(self.number, self.alive(), max(silence, 0.0), tuple(values))


class CountersReader:
    """The counters in DIRECTORY, which may be empty still; may be used by several threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._slots: dict[int, _Slot] = {}
        self._shadows: dict[tuple[int, int], tuple[tuple[int, int], Shadow]] = {}
        self._numbers: dict[SeriesKey, int] = {}
        self._keys: list[SeriesKey] = []
        self._totals = Totals()

    def workers(self) -> list[Worker]:
        """The words of every slot that a worker has ever held, in the order of slots."""
        with self._lock:
            self._find_slots()
            return [slot.read() for _, slot in sorted(self._slots.items())]

    def series(self) -> SeriesSums:
        """The series of all slots, summed."""
        with self._lock:
            self._find_slots()
            self._find_shadows()
            for (number, _), (_, shadow) in self._shadows.items():
                slot = self._slots.get(number)
                dead = slot is None or not slot.alive()
                shadow.refresh(dead)
            entries = self._sum_up()
            if len(self._keys) > 2 * entries + _SLACK:
                self._forget()
                self._sum_up()
            return SeriesSums(self._keys[:], self._totals.copy())

    def durations(self) -> tuple[tuple[int, ...], ...]:
        """Histograms of the times of requests, by the class of their status: numbers by `TIME_BUCKETS` and above.
        Cheap: nothing is stored. A sum may decrease a little while a worker counts, or if a route is gone.
        """
        with self._lock:
            self._find_shadows()
            totals = Totals()
            for _ in range(STATUS_CLASSES):
                totals.row()
            for _, shadow in self._shadows.values():
                shadow.tally(totals)
        return tuple(totals.values(row)[: len(TIME_BUCKETS) + 1] for row in range(STATUS_CLASSES))

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            for slot in self._slots.values():
                os.close(slot.fd)
            self._slots.clear()
            self._shadows.clear()

    # --- sums -----------------------------------------------------------------------------------------------------

    def _sum_up(self) -> int:
        self._totals.clear()
        return sum(shadow.sum_up(self._totals, self._row) for _, shadow in self._shadows.values())

    def _row(self, raw: bytes) -> int:
        """Row for the key RAW, -1: it is malformed."""
        key = layout.decode_key(raw)
        if key is None:
            return -1
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._totals.row()
            self._keys.append(key)
        return number

    def _forget(self) -> None:
        """Number the rows again, without those of series that are gone."""
        self._numbers.clear()
        self._keys = []
        self._totals = Totals()
        for _, shadow in self._shadows.values():
            shadow.forget()

    # --- files ----------------------------------------------------------------------------------------------------

    def _find_slots(self) -> None:
        found = set()
        for path, identity, (number,) in _files(self.directory, layout.WORKER_NAME, 1):
            known = self._slots.get(number)
            if known is None or known.identity != identity:
                fresh = _open_slot(path, number)
                if fresh is None:
                    continue
                if known is not None:
                    os.close(known.fd)
                self._slots[number] = fresh
            found.add(number)
        for number in self._slots.keys() - found:
            os.close(self._slots.pop(number).fd)

    def _find_shadows(self) -> None:
        found = set()
        for path, identity, (slot, serial) in _files(self.directory, layout.SERIES_NAME, 2):
            known = self._shadows.get((slot, serial))
            if known is None or known[0] != identity:
                chunk = _open_chunk(path, slot)
                if chunk is None:
                    continue
                self._shadows[slot, serial] = (identity, Shadow(chunk))
            found.add((slot, serial))
        for gone in self._shadows.keys() - found:
            del self._shadows[gone]


Identity = tuple[int, int]
"""Device and inode: another file under the same name is another file."""


def _files(directory: Path, prefix: str, numbers: int) -> Iterator[tuple[Path, Identity, tuple[int, ...]]]:
    """The files in DIRECTORY named PREFIX and so many NUMBERS with dots between them."""
    for path in directory.glob(prefix + "[0-9]*"):
        parts = path.name.removeprefix(prefix).split(".")
        if len(parts) == numbers and all(part.isdecimal() for part in parts):
            with suppress(FileNotFoundError):
                status = path.stat()
                yield path, (status.st_dev, status.st_ino), tuple(int(part) for part in parts)


def _open_slot(path: Path, number: int) -> _Slot | None:
    fd = _open(path, layout.FILE_HEAD.pack(layout.WORKER_MAGIC, layout.VERSION, number))
    if fd is None:
        return None
    status = os.fstat(fd)
    if status.st_size != layout.WORKER_SIZE:
        os.close(fd)
        return None
    return _Slot(number, fd, (status.st_dev, status.st_ino))


def _open_chunk(path: Path, slot: int) -> Chunk | None:
    fd = _open(path, layout.FILE_HEAD.pack(layout.SERIES_MAGIC, layout.VERSION, slot))
    if fd is None:
        return None
    try:
        size = os.fstat(fd).st_size
        return Chunk(mmap.mmap(fd, size, access=mmap.ACCESS_READ), layout.SERIES_FIRST)
    finally:
        os.close(fd)


def _open(path: Path, head: bytes) -> int | None:
    """The file at PATH, open, when it begins with HEAD."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if os.pread(fd, len(head), 0) == head:
        return fd
    os.close(fd)
    return None
