"""Counters of a worker: cheap enough for every request, and kept when the worker dies.

Rules of this file:
- Only one worker writes a slot's files, ensured by the lock on `worker.<slot>`. The next owner of the slot continues
  from their values.
- Counting never fails a request: without room for a new series the request is counted in another one, or in none.
- `add`, `set` and `Series.record` are compiled, allocate nothing and take tens of nanoseconds.
"""

from __future__ import annotations

import mmap
import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edge.table import counter_files
from edge.table import counter_layout as layout
from edge.table._counters import Chunk, ProcessWords, Series, entry_size
from edge.table.counter_layout import OTHER, OTHER_METHOD, RouteLabels, WorkerWord
from edge.table.counters_reader import CountersReader

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CountersError", "CountersReader", "RouteLabels", "Series", "WorkerCounters", "WorkerWord"]

BOUND = 50_000
"""Default number of series of a worker; about half a kibibyte each."""
ROUTE_BOUND = 64
"""Combinations of method and status of a route; above it they are counted by the class of the status."""


class CountersError(Exception):
    """The files cannot be written; the message says why and what to do."""


class _Place(NamedTuple):
    """The place of an entry."""

    chunk: Chunk
    offset: int
    size: int


class _Entry:
    """An entry in use, and its series once it has been asked for."""

    __slots__ = ("place", "series")

    def __init__(self, place: _Place) -> None:
        self.place = place
        self.series: Series | None = None


class WorkerCounters(ProcessWords):
    """The counters of this process in DIRECTORY. Made after the fork."""

    def __init__(self, directory: Path, *, bound: int = BOUND) -> None:
        """Take the lowest free slot; at most BOUND series are kept, those of the route `OTHER` apart.

        Raises:
            CountersError: the directory cannot be written, or is full.
        """
        self.directory = directory
        self.bound = bound
        self._routes: dict[RouteLabels, dict[tuple[str, int], _Entry]] = {}
        self._free: dict[int, list[_Place]] = {}
        self._chunks: list[Chunk] = []
        self._next_file = 0
        self._next_size = layout.SERIES_MIN
        self._serial = 0
        self._count = 0
        self._lock = -1
        try:
            self.slot, self._lock = counter_files.take_slot(directory)
            memory = mmap.mmap(self._lock, layout.WORKER_SIZE)
            self.map(memory, layout.WORKER_FIRST, len(WorkerWord))
            self._adopt()
        except OSError as error:
            if self._lock >= 0:
                os.close(self._lock)
            reason = f"{error.strerror}; counters of requests cannot be kept"
            raise CountersError(f"--shm-dir {directory}: {reason}") from error
        self._cpu_before = self.get(WorkerWord.CPU_MICROSECONDS)
        for gauge in layout.GAUGES:
            self.set(gauge, 0)
        self.set(WorkerWord.PID, os.getpid())
        self.set(WorkerWord.STARTED, time.time_ns())
        self.set(WorkerWord.SERIES, self._count)
        self.add(WorkerWord.STARTS, 1)
        self.beat()

    def beat(self) -> None:
        """Write the heartbeat and the resources that this process uses; to be called about once a second from its main
        loop."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.set(WorkerWord.CPU_MICROSECONDS, self._cpu_before + int((usage.ru_utime + usage.ru_stime) * 1e6))
        with suppress(OSError):
            virtual, resident = Path("/proc/self/statm").read_bytes().split(None, 2)[:2]
            self.set(WorkerWord.VIRTUAL_BYTES, int(virtual) * mmap.PAGESIZE)
            self.set(WorkerWord.RESIDENT_BYTES, int(resident) * mmap.PAGESIZE)
        self.set(WorkerWord.HEARTBEAT, time.monotonic_ns())

    def series(self, labels: RouteLabels, method: bytes, code: int) -> Series:
        """The counters of requests of the route LABELS with METHOD that end in CODE, a status or what
        `counter_layout.code_of` makes of two; never fails."""
        return self._series(labels, layout.METHODS.get(method, OTHER_METHOD), code)

    def sessions(self, labels: RouteLabels, protocol: str, status: int) -> Series:
        """As `series`, of sessions of a stream; PROTOCOL: one of `counter_layout.STREAMS`."""
        return self._series(labels, protocol, status)

    def reclaim(self, exists: Callable[[RouteLabels], bool]) -> int:
        """Free the series of routes for which EXISTS returns False, and return their number. A series of theirs that is
        still in use then counts only in `WorkerWord.REQUESTS`.
        """
        freed = 0
        for labels in list(self._routes):
            if labels == OTHER or exists(labels):
                continue
            for entry in self._routes.pop(labels).values():
                if entry.series is not None:
                    entry.series.detach()
                entry.place.chunk.release(entry.place.offset)
                self._free.setdefault(entry.place.size, []).append(entry.place)
                freed += 1
        self._count -= freed
        self.set(WorkerWord.SERIES, self._count)
        return freed

    def close(self) -> None:
        """Release the slot; nothing is counted afterwards."""
        if self._lock < 0:
            return
        self.beat()
        for entries in self._routes.values():
            for entry in entries.values():
                if entry.series is not None:
                    entry.series.detach()
        self._routes.clear()
        self._free.clear()
        self._chunks.clear()
        self.bound = -1
        self.unmap()
        os.close(self._lock)
        self._lock = -1

    # --- series ---------------------------------------------------------------------------------------------------

    def _series(self, labels: RouteLabels, method: str, code: int) -> Series:
        entries = self._routes.get(labels)
        entry = entries.get((method, code)) if entries is not None else None
        if entry is None:
            number = len(entries) if entries is not None else 0
            folded = (OTHER_METHOD, code // 100 * 100)
            if number >= ROUTE_BOUND and (method, code) != folded:
                return self._series(labels, *folded)
            entry = self._make(labels, method, code)
            if entry is None:
                self.add(WorkerWord.SERIES_FOLDED, 1)
                return self._series(OTHER, method, code) if labels != OTHER else Series(self, WorkerWord.REQUESTS)
            self._routes.setdefault(labels, {})[method, code] = entry
            self._count += 1
            self.set(WorkerWord.SERIES, self._count)
        if entry.series is None:
            entry.series = Series(self, WorkerWord.REQUESTS)
            entry.place.chunk.attach(entry.series, entry.place.offset)
        return entry.series

    def _make(self, labels: RouteLabels, method: str, code: int) -> _Entry | None:
        """An entry for a new series, None where there is no room for it."""
        key = layout.encode_key(labels, method, code)
        if self._lock < 0 or len(key) > layout.LONGEST_KEY or (self._count >= self.bound and labels != OTHER):
            return None
        self._serial += 1
        size = entry_size(len(key))
        if free := self._free.get(size):
            place = free.pop()
            place.chunk.reuse(place.offset, key, self._serial)
            return _Entry(place)
        offset = self._chunks[-1].append(key, self._serial) if self._chunks else 0
        if not offset:
            try:
                self._chunks.append(self._new_chunk())
            except OSError:
                return None
            offset = self._chunks[-1].append(key, self._serial)
        return _Entry(_Place(self._chunks[-1], offset, size))

    def _new_chunk(self) -> Chunk:
        path = self.directory / f"{layout.SERIES_NAME}{self.slot}.{self._next_file}"
        size = self._next_size
        counter_files.create(path, size, layout.FILE_HEAD.pack(layout.SERIES_MAGIC, layout.VERSION, self.slot))
        self._next_file += 1
        self._next_size = min(2 * size, layout.SERIES_MAX)
        return counter_files.map_chunk(path)

    def _adopt(self) -> None:
        """Continue from the counts of earlier owners of the slot."""
        prefix = f"{layout.SERIES_NAME}{self.slot}."
        head = layout.FILE_HEAD.pack(layout.SERIES_MAGIC, layout.VERSION, self.slot)
        numbers = [path.name.removeprefix(prefix) for path in self.directory.glob(prefix + "[0-9]*")]
        for number in sorted(int(number) for number in numbers if number.isdecimal()):
            path = self.directory / f"{prefix}{number}"
            self._next_file = number + 1
            with path.open("rb") as file:
                valid = file.read(len(head)) == head
            size = path.stat().st_size
            if not valid or size % mmap.PAGESIZE:
                path.unlink()
                continue
            self._next_size = min(2 * size, layout.SERIES_MAX)
            self._adopt_chunk(counter_files.map_chunk(path))

    def _adopt_chunk(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        for offset, size, raw in chunk.adopt():
            place = _Place(chunk, offset, size)
            self._serial = max(self._serial, chunk.serial(offset))
            key = layout.decode_key(raw) if raw else None
            if key is None:
                chunk.release(offset)
                self._free.setdefault(size, []).append(place)
                continue
            self._routes.setdefault(key.labels, {})[key.method, key.code] = _Entry(place)
            self._count += 1
