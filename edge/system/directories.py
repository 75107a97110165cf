"""Directories for the table: made, checked, found and cleaned.

A launcher makes a private one in /dev/shm and holds a lock in it for as long as it lives. The kernel releases the lock
when the launcher ends in any way, so the next launcher can recognize and remove the directory of a killed one. A
directory without that lock's file was named by `--shm-dir` and is never removed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = Path("/dev/shm")  # noqa: S108 - each directory in it is private
PREFIX = "edge-"
LOCK_NAME = "launcher.lock"
_YOUNG = 10.0
"""Seconds for which an unlocked directory may belong to a launcher that has not locked it yet."""


class DirectoryError(Exception):
    """There is no usable directory for the table; the message says why and what to do."""


class Private(NamedTuple):
    """A directory that a launcher has made."""

    path: Path
    lock: int
    """The descriptor of the lock, which shows that the launcher lives."""


def prepare(directory: Path) -> None:
    """Make DIRECTORY (0700) if there is none, and see that it can be written.

    Raises:
        DirectoryError: it cannot.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise DirectoryError(
            f"--shm-dir {directory}: {error.strerror}; it must be a directory that this user can write"
        ) from error


@contextmanager
def private(base: Path = BASE) -> Iterator[Private]:
    """A fresh directory in BASE, mode 0700, that goes with the block; leftovers of dead launchers go before it.

    Raises:
        DirectoryError: BASE cannot be written.
    """
    _remove_stale(base)
    try:
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    except OSError as error:
        raise DirectoryError(
            f"{base}: {error.strerror}; name a directory on a memory file system with --shm-dir"
        ) from error
    lock = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Private(directory, lock)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def running(base: Path = BASE) -> list[Path]:
    """The private directories in BASE whose launchers live."""
    return [directory for directory in _ours(base) if _locked(directory)]


def _remove_stale(base: Path) -> None:
    for directory in _ours(base):
        with suppress(OSError):
            if time.time() - directory.stat().st_ctime > _YOUNG and not _locked(directory):
                shutil.rmtree(directory, ignore_errors=True)


def _ours(base: Path) -> list[Path]:
    """The private directories of this user in BASE."""
    found = []
    for path in sorted(base.glob(PREFIX + "*")):
        with suppress(OSError):
            if path.lstat().st_uid == os.geteuid() and not path.is_symlink() and (path / LOCK_NAME).is_file():
                found.append(path)
    return found


def _locked(directory: Path) -> bool:
    try:
        fd = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)
