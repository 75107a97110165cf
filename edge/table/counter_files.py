"""Creates, locks and maps the counter files of a worker."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.table import counter_layout as layout
from edge.table._counters import Chunk

if TYPE_CHECKING:
    from pathlib import Path

_LOOKS = 1000
"""Waits for a lock that only readers hold: they hold it for a moment, to check whether a worker lives."""


def take_slot(directory: Path) -> tuple[int, int]:
    """The lowest free slot and the open, locked file that makes it ours."""
    slot = 0
    while True:
        path = directory / f"{layout.WORKER_NAME}{slot}"
        head = layout.FILE_HEAD.pack(layout.WORKER_MAGIC, layout.VERSION, slot)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _lock(fd):
                os.close(fd)
                slot += 1
                continue
            if not _same_file(path, fd):  # replaced between open and lock
                os.close(fd)
                continue
            if os.fstat(fd).st_size == layout.WORKER_SIZE and os.pread(fd, len(head), 0) == head:
                return slot, fd
            if os.fstat(fd).st_size:
                path.unlink()  # of another version, or damaged; processes that map it keep it
                os.close(fd)
                continue
            os.posix_fallocate(fd, 0, layout.WORKER_SIZE)
            os.pwrite(fd, head, 0)
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, 0)
            os.close(fd)
            raise
        return slot, fd


def _lock(fd: int) -> bool:
    """Lock FD; returns False if a worker has the lock. Waits for a reader that has it."""
    for _ in range(_LOOKS):
        if _take(fd, fcntl.LOCK_EX):
            return True
        if not _take(fd, fcntl.LOCK_SH):
            return False  # readers share it, a worker does not
        fcntl.flock(fd, fcntl.LOCK_UN)
        time.sleep(0.001)
    return False


def _take(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same_file(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def create(path: Path, size: int, head: bytes) -> None:
    """Create the file at PATH atomically."""
    fresh = path.with_name(path.name + ".tmp")
    fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(fd, 0, size)
        os.pwrite(fd, head, 0)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def map_chunk(path: Path) -> Chunk:
    """The entries in the file at PATH, to write to."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return Chunk(mmap.mmap(fd, os.fstat(fd).st_size), layout.SERIES_FIRST, writable=True)
    finally:
        os.close(fd)
