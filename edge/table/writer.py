"""Publishing the table: the control plane's side of the shared-memory files.

Rules of this file:
- Exactly one writer at a time (a lock on the directory); readers never wait for it.
- The order of a change is: records, slots, serials, part generations, then the generation word. A reader that sees
  the new generation sees all of it.
- A writer that starts fills fresh segments and swaps them in with its first change: until then, and if it dies
  before, readers keep what the last writer published.
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
from edge.table.segment import SegmentFull, SegmentWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.table.records import Record

Changes = dict[str, "Record | None"]
"""Key to new record; None removes the key."""

LOCK_NAME = "writer.lock"


class TableError(Exception):
    """The table cannot be published; the message says why and the way out."""


class TableWriter:
    """The one writer of the table in DIRECTORY."""

    def __init__(self, directory: Path) -> None:
        """Take the directory, made with mode 0700 when missing.

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
        self._segments: list[SegmentWriter | None] = [None] * len(layout.PARTS)
        self._contents: list[dict[bytes, bytes]] = [{} for _ in layout.PARTS]

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
        """Apply the changes and give the new generation (the old one when nothing is different).

        The first call replaces the table of any earlier writer as a whole. Services and certificates appear before
        the routes that name them.

        Raises:
            TableError: no room; readers keep the table as it was, and the call may be made again.
        """
        changed: list[int] = []
        first = None in self._segments
        retired: list[SegmentWriter] = []
        try:
            for name, changes in (("endpoints", endpoints), ("tls", tls), ("routes", routes)):
                part = layout.PARTS.index(name)
                encoded = {key.encode(): None if record is None else encode(record) for key, record in (changes or {}).items()}
                if self._apply(part, encoded, retired):
                    changed.append(part)
        except OSError as error:
            self._drop_unpublished(retired)
            reason = "no space left" if error.errno == errno.ENOSPC else error.strerror
            raise TableError(f"--shm-dir {self.directory}: {reason}; give the shared memory more room") from error
        if changed:
            self._announce(changed)
        for old in retired:
            old.path.unlink(missing_ok=True)
        if first:
            self._remove_strays()
        return self.generation

    def close(self) -> None:
        """Give the directory up; the table stays for the readers."""
        os.close(self._lock)

    # --- segments -------------------------------------------------------------------------------------------------

    def _apply(self, part: int, changes: dict[bytes, bytes | None], retired: list[SegmentWriter]) -> bool:
        """Put CHANGES into the part's segment, or into a new one; whether a reader has something new to see."""
        contents = self._contents[part]
        real = {key: value for key, value in changes.items() if contents.get(key) != value}
        segment = self._segments[part]
        if not real and segment is not None:
            return False
        for key, value in real.items():
            if value is None:
                contents.pop(key, None)
            else:
                contents[key] = value
        try:
            if segment is None:
                raise SegmentFull
            for key, value in real.items():
                if value is None:
                    segment.remove(key)
                else:
                    segment.put(key, value)
        except SegmentFull:
            self._segments[part] = self._move(part)
            if segment is not None:
                retired.append(segment)
        return True

    def _move(self, part: int) -> SegmentWriter:
        """A new segment with all that the part holds and as much room again."""
        contents = self._contents[part]
        live = sum(layout.record_size(key, value) for key, value in contents.items())
        serial = self._next_serial(part)
        path = self.directory / f"{layout.PARTS[part]}.{serial}"
        segment = SegmentWriter.create(path, part, serial, records=len(contents) * 5 // 4, log=2 * live)
        for key, value in contents.items():
            segment.put(key, value)
        return segment

    def _next_serial(self, part: int) -> int:
        prefix = layout.PARTS[part] + "."
        taken = [int(path.name[len(prefix) :]) for path in self.directory.glob(prefix + "[0-9]*")]
        return max([self._words.load(layout.part_words(part)[0]), *taken]) + 1

    def _drop_unpublished(self, retired: list[SegmentWriter]) -> None:
        """After a failure: forget the segments that were made, so that the next call makes all of them anew."""
        for part, segment in enumerate(self._segments):
            if segment is not None and segment.serial != self._words.load(layout.part_words(part)[0]):
                segment.path.unlink(missing_ok=True)
                self._segments[part] = None
        for old in retired:
            self._segments[layout.PARTS.index(old.path.name.split(".")[0])] = None

    def _announce(self, changed: list[int]) -> None:
        generation = self.generation + 1
        for part, segment in enumerate(self._segments):
            serial_word, generation_word = layout.part_words(part)
            if segment is not None and self._words.load(serial_word) != segment.serial:
                self._words.store(serial_word, segment.serial)
                self._words.store(generation_word, generation)
            elif part in changed:
                self._words.store(generation_word, generation)
        self._words.store(layout.WORD_PUBLISHED, time.time_ns())
        self._words.store(layout.WORD_GENERATION, generation)

    def _remove_strays(self) -> None:
        """Free the segments of earlier writers."""
        current = {segment.path.name for segment in self._segments if segment is not None}
        for part in layout.PARTS:
            for path in self.directory.glob(part + ".[0-9]*"):
                if path.name not in current:
                    path.unlink(missing_ok=True)

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
        return len(head) == layout.HEAD_SIZE and head.startswith(layout.HEAD_PREFIX.pack(layout.HEAD_MAGIC, layout.VERSION, 0))

    def _create_head(self, path: Path) -> None:
        # Another version's head is replaced by a new file: its readers keep their mapping and their table.
        fresh = path.with_suffix(".tmp")
        fresh.unlink(missing_ok=True)
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(fd, 0, layout.HEAD_SIZE)
            os.pwrite(fd, layout.HEAD_PREFIX.pack(layout.HEAD_MAGIC, layout.VERSION, 0), 0)
        finally:
            os.close(fd)
        fresh.replace(path)
