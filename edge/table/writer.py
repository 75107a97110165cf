"""Publishes the table: the control plane's side of the shared-memory files.

Rules of this file:
- Exactly one writer at a time (a lock on the directory); readers never wait for it.
- The order of a change is: records, slots, serials, part generations, then the generation word. A reader that sees
  the new generation sees all of it. A record appears before those that refer to it, and is removed after them.
- Everything that can fail is done before readers can see anything: a change is published as a whole or not at all.
- A writer that starts fills fresh segments and swaps them in with its first change: until then, and if it dies
  before, readers keep what the last writer published.
- The content of the table is only in the segments: the writer keeps no copy. So it can detect that a file was
  removed or damaged, but not repair it.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import time
from typing import TYPE_CHECKING

from edge.table import layout
from edge.table._words import Words
from edge.table.codec import encode
from edge.table.segment import Segment, SegmentError, SegmentWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from edge.table.record import Record

Values = dict[bytes, bytes | None]
"""Key to encoded record; None removes the key."""

NAMED_FIRST = ("endpoints", "tls", "routes")
"""The parts in the order in which new records appear."""

HEAD_START = layout.HEAD_PREFIX.pack(layout.HEAD_MAGIC, layout.VERSION, 0)
LOCK_NAME = "writer.lock"
MIN_SPARE = 32 * 1024
"""Bytes of log left free in a new segment, at least."""


class TableError(Exception):
    """The table cannot be published; the message says why and what to do."""


class TableWriter:
    """The one writer of the table in DIRECTORY."""

    def __init__(self, directory: Path) -> None:
        """Lock the directory, made with mode 0700 if it is missing.

        Raises:
            TableError: another writer holds it, or it cannot be written.
        """
        self.directory = directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TableError(f"--shm-dir {directory}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise TableError(f"--shm-dir {directory}: another control plane publishes here") from error
        self._words = self._open_head()
        self._segments: dict[int, SegmentWriter] = {}

    @property
    def generation(self) -> int:
        """Generation of the table that readers see; 0 before the first."""
        return self._words.load(layout.WORD_GENERATION)

    @property
    def published(self) -> float:
        """When it was published, Unix seconds; 0 before the first."""
        return self._words.load(layout.WORD_PUBLISHED) / 1e9

    def publish(
        self,
        *,
        routes: Mapping[str, Record | None] | None = None,
        endpoints: Mapping[str, Record | None] | None = None,
        tls: Mapping[str, Record | None] | None = None,
    ) -> int:
        """Apply the changes (None removes a key) and return the new generation; the old one if nothing differs.

        The first call replaces the table of any earlier writer as a whole.

        Raises:
            TableError: no room; readers keep the table as it was, and the call may be made again.
        """
        given = {"routes": routes, "endpoints": endpoints, "tls": tls}
        changes = {layout.PARTS.index(name): self._real(name, given[name] or {}) for name in NAMED_FIRST}
        first = not self._segments
        if not first and not any(changes.values()):
            return self.generation
        fresh = self._prepare(changes)
        for part, values in changes.items():
            target = fresh.get(part) or self._segments[part]
            for key in sorted(values):  # certificates have smaller keys than what names them
                value = values[key]
                if value is not None:
                    target.put(key, value)
        for part in reversed(changes):
            target = fresh.get(part) or self._segments[part]
            for key in sorted(changes[part], reverse=True):
                if changes[part][key] is None:
                    target.remove(key)
        retired = [self._segments[part] for part in fresh if part in self._segments]
        self._segments.update(fresh)
        self._announce([part for part, values in changes.items() if values or part in fresh])
        for old in retired:
            old.path.unlink(missing_ok=True)
        if first:
            self._remove_strays()
        return self.generation

    def damage(self, *, thorough: bool) -> str:
        """The damage that another process has done to the files of the published table; empty: none. THOROUGH: check
        their content, and not only whether they exist.
        """
        sizes = {self.directory / layout.HEAD_NAME: layout.HEAD_SIZE}
        sizes |= {segment.path: segment.size for segment in self._segments.values()}
        for path, size in sizes.items():
            try:
                actual = path.stat().st_size
            except OSError as error:
                return f"{path}: {error.strerror}"
            if actual != size:
                return f"{path}: {actual} bytes instead of {size}"
        return self._spoilt() if thorough else ""

    def close(self) -> None:
        """Release the directory; the table stays for the readers."""
        os.close(self._lock)

    # --- segments -------------------------------------------------------------------------------------------------

    def _real(self, name: str, changes: Mapping[str, Record | None]) -> Values:
        """CHANGES to the part NAME, encoded, without those that change nothing."""
        segment = self._segments.get(layout.PARTS.index(name))
        real: Values = {}
        for text, record in changes.items():
            key = text.encode()
            value = None if record is None else encode(record)
            if segment is None or not _holds(segment, key, value):
                real[key] = value
        return real

    def _prepare(self, changes: Mapping[int, Values]) -> dict[int, SegmentWriter]:
        """New segments for the parts whose own have no room for CHANGES, with their present content.

        Raises:
            TableError: they cannot be made; nothing has been changed.
        """
        fresh: dict[int, SegmentWriter] = {}
        try:
            for part, values in changes.items():
                log = sum(layout.record_size(key, value) for key, value in values.items() if value is not None)
                segment = self._segments.get(part)
                if segment is None or (values and not segment.has_room(len(values), log)):
                    fresh[part] = self._move(part, len(values), log)
        except OSError as error:
            for made in fresh.values():
                made.path.unlink(missing_ok=True)
            reason = "no space left" if error.errno == errno.ENOSPC else error.strerror
            raise TableError(f"--shm-dir {self.directory}: {reason}; give the shared memory more room") from error
        return fresh

    def _move(self, part: int, records: int, log: int) -> SegmentWriter:
        """A new segment with the content of the part, room for RECORDS more in LOG bytes, and half as much again."""
        old = self._segments.get(part)
        if old is not None:
            records, log = records + old.records, log + old.live
        serial = self._next_serial(part)
        path = self.directory / f"{layout.PARTS[part]}.{serial}"
        made = SegmentWriter.create(path, part, serial, records=records * 5 // 4, log=log + max(log // 2, MIN_SPARE))
        if old is not None:
            old.copy_to(made)
        return made

    def _next_serial(self, part: int) -> int:
        prefix = layout.PARTS[part] + "."
        taken = [int(path.name[len(prefix) :]) for path in self.directory.glob(prefix + "[0-9]*")]
        return max([self._words.load(layout.part_words(part)[0]), *taken]) + 1

    def _announce(self, changed: Iterable[int]) -> None:
        generation = self.generation + 1
        for part in changed:
            serial_word, generation_word = layout.part_words(part)
            self._words.store(serial_word, self._segments[part].serial)
            self._words.store(generation_word, generation)
        self._words.store(layout.WORD_PUBLISHED, time.time_ns())
        self._words.store(layout.WORD_GENERATION, generation)

    def _remove_strays(self) -> None:
        """Free the segments of earlier writers."""
        current = {segment.path.name for segment in self._segments.values()}
        for part in layout.PARTS:
            for path in self.directory.glob(part + ".[0-9]*"):
                if path.name not in current:
                    path.unlink(missing_ok=True)

    def _spoilt(self) -> str:
        head = self.directory / layout.HEAD_NAME
        if not self._valid_head(head):
            return f"{head}: not a table, or one of another version"
        for part, segment in self._segments.items():
            if self._words.load(layout.part_words(part)[0]) != segment.serial:
                return f"{head}: leads to another segment than {segment.path.name}"
            try:
                for _ in Segment(segment.path, part, segment.serial).items():
                    pass
            except (OSError, SegmentError) as error:
                return str(error)
        return ""

    # --- the head -------------------------------------------------------------------------------------------------

    def _open_head(self) -> Words:
        path = self.directory / layout.HEAD_NAME
        try:
            if not self._valid_head(path):
                self._create_head(path)
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                memory = mmap.mmap(fd, layout.HEAD_SIZE)
            finally:
                os.close(fd)
        except OSError as error:
            raise TableError(f"--shm-dir {self.directory}: {error.strerror}") from error
        return Words(memory, writable=True)

    @staticmethod
    def _valid_head(path: Path) -> bool:
        try:
            head = path.read_bytes()
        except FileNotFoundError:
            return False
        return len(head) == layout.HEAD_SIZE and head.startswith(HEAD_START)

    def _create_head(self, path: Path) -> None:
        # Another version's head is replaced by a new file: its readers keep their mapping and their table.
        fresh = path.with_suffix(".tmp")
        fresh.unlink(missing_ok=True)
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(fd, 0, layout.HEAD_SIZE)
            os.pwrite(fd, HEAD_START, 0)
        finally:
            os.close(fd)
        fresh.replace(path)


def _holds(segment: SegmentWriter, key: bytes, value: bytes | None) -> bool:
    """Whether SEGMENT has VALUE under KEY already."""
    try:
        return segment.value_of(key) == value
    except SegmentError:
        return False  # the file was damaged: publishing again repairs it
