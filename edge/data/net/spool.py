"""Bytes that do not fit into memory, in temporary files without a name.

Rules of this file:
- Native threads create and write files, and read them if the bytes are not in the page cache: a slow disk delays only
  the requests that use it.
- A file is closed when nothing refers to its `Spool` any more: a thread may still work for a request that has ended.
- A failure affects only its request, which is answered 500 if the disk is full, or 503 if there are too many files or
  bytes.
"""

from __future__ import annotations

import errno
import logging
import os
import resource
import tempfile
import weakref
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Final

from gevent.threadpool import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("edge.data")

PIECE: Final = 65536
"""Bytes that are read at a time; they fit into a `Buffer`."""
THREADS: Final = 4
SHARE: Final = 4
"""One in so many of the worker's descriptors may be a temporary file."""
MOST: Final = 4096
"""Files that a worker has open at most."""
LOGGED: Final = 10.0
"""Seconds between two log messages about the same fault."""


class SpoolError(Exception):
    """Bytes cannot be stored; `status` is the answer to their request."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Spools:
    """The temporary files of one worker. Made after the fork; its threads start with the first file."""

    def __init__(self, directory: str = "", *, most: int = 0, size: int = 0) -> None:
        """In DIRECTORY, by default that of the system; MOST files at a time, by default a share of the descriptors,
        with SIZE bytes in all (0: any number)."""
        self._directory = directory or None
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = most or (MOST if limit == resource.RLIM_INFINITY else min(MOST, limit // SHARE))
        self._size = size
        self._held = 0
        self._freed: deque[int] = deque()
        """Sizes of files that have been closed, maybe by threads, and are still counted in `_held`."""
        self._files: weakref.WeakSet[_File] = weakref.WeakSet()
        self._pool: ThreadPool | None = None
        self._silent_until = 0.0

    def __len__(self) -> int:
        """Files that are open."""
        return len(self._files)

    def file(self) -> _File:
        """A new file.

        Raises:
            SpoolError: none can be created.
        """
        if len(self._files) >= self._most:
            raise self._failed(503, f"{self._most} temporary files are in use")
        made = _File(self._freed)
        self._files.add(made)
        self.run(made.open, self._directory)
        return made

    def held(self) -> int:
        """Bytes that the files hold."""
        while self._freed:
            self._held -= self._freed.popleft()
        return self._held

    def grow(self, file: _File, size: int) -> None:
        """Allow FILE to have SIZE bytes.

        Raises:
            SpoolError: that would be too many in all.
        """
        further = size - file.size
        if further <= 0:
            return
        if self._size and self.held() + further > self._size:
            raise self._failed(503, f"temporary files hold {self._size} bytes (--max-temp-size)")
        self._held += further
        file.size = size

    def run(self, work: Callable[..., bytes | None], *arguments: object) -> bytes:
        """The result of WORK with ARGUMENTS, in a thread.

        Raises:
            SpoolError: it failed.
        """
        if self._pool is None:
            self._pool = ThreadPool(THREADS)
        result: bytes | OSError = self._pool.apply(_caught, (work, arguments))
        if isinstance(result, OSError):
            status = 503 if result.errno in (errno.EMFILE, errno.ENFILE) else 500
            where = self._directory or "the system's directory for temporary files (--temp-dir)"
            raise self._failed(status, f"temporary files in {where}: {result}")
        return result

    def _failed(self, status: int, reason: str) -> SpoolError:
        """The error for REASON, which is logged at intervals."""
        now = monotonic()
        if now >= self._silent_until:
            self._silent_until = now + LOGGED
            log.error("%s; the request is answered %d", reason, status)
        return SpoolError(status, reason)


class Spool:
    """Bytes that are appended and then read any number of times: the last of them in memory, the others in a file."""

    def __init__(self, spools: Spools, memory: int) -> None:
        """MEMORY: bytes above which they are moved to the file."""
        self._spools = spools
        self._memory = memory
        self._file: _File | None = None
        self._written = 0
        self._pieces: list[bytes] = []
        self._held = 0

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self._written + self._held

    def append(self, piece: bytes) -> None:
        """Add PIECE at the end.

        Raises:
            SpoolError: it cannot be stored.
        """
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > self._memory:
            self._write()

    def clear(self) -> None:
        """Forget the bytes; the file is kept for the next ones. Must not be called during `append`."""
        self._written, self._pieces, self._held = 0, [], 0

    def read(self, offset: int) -> bytes | memoryview:
        """Up to `PIECE` bytes from OFFSET on; none at the end.

        Raises:
            SpoolError: the file cannot be read.
        """
        if offset >= self._written:
            return memoryview(self.tail())[offset - self._written :][:PIECE]
        assert self._file is not None  # noqa: S101 - something has been written
        count = min(PIECE, self._written - offset)
        found = self._file.cached(count, offset)
        return found if found is not None else self._spools.run(self._file.read, count, offset)

    def tail(self) -> bytes:
        """The bytes that are in memory: all, if there is no file."""
        if len(self._pieces) > 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0] if self._pieces else b""

    def _write(self) -> None:
        """Write the bytes that are in memory to the file."""
        if self._file is None:
            self._file = self._spools.file()
        data = self.tail()
        self._spools.grow(self._file, self._written + len(data))
        self._spools.run(self._file.write, data, self._written)
        self._written += len(data)
        self._pieces, self._held = [], 0


class _File:
    """A descriptor. Threads hold the object, not its number: that may soon be another file's.

    - `size`: bytes that it has been given, none of which is freed before it is closed.
    """

    _fd = -1

    def __init__(self, freed: deque[int]) -> None:
        """FREED gets its size when it is closed."""
        self.size = 0
        self._freed = freed

    def open(self, directory: str | None) -> None:
        with tempfile.TemporaryFile(buffering=0, dir=directory) as made:
            self._fd = os.dup(made.fileno())

    def write(self, data: bytes, offset: int) -> None:
        left = memoryview(data)
        while left:
            count = os.pwrite(self._fd, left, offset)
            left, offset = left[count:], offset + count

    def cached(self, count: int, offset: int) -> memoryview | None:
        """Up to COUNT bytes from OFFSET on, without waiting for a disk; None: that is not possible."""
        block = bytearray(count)
        try:
            got = os.preadv(self._fd, [block], offset, os.RWF_NOWAIT)
        except OSError:
            return None  # reading would block, or the file system does not support the flag
        return memoryview(block)[:got] if got else None

    def read(self, count: int, offset: int) -> bytes:
        data = os.pread(self._fd, count, offset)
        if not data:
            raise OSError(errno.EIO, "the file is shorter than it was")
        return data

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._freed.append(self.size)


def _caught(work: Callable[..., bytes | None], arguments: tuple[object, ...]) -> bytes | OSError:
    """The result of WORK, or the error that it raises, which gevent would print."""
    try:
        return work(*arguments) or b""
    except OSError as error:
        return error
