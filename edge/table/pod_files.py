"""Files of a fixed size that all workers of the pod map and change: limits, kept values.

Rules of this file:
- The first worker that needs one makes it; workers that come later use it as it is, so that its content outlives a
  worker. A file of another version is replaced by a new one.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

SizeOf = Callable[[mmap.mmap], int]
"""The size in the head of a file; 0: it is of another version."""


def mapped(path: Path, least: int, size_of: SizeOf, head: Callable[[], bytes], size: int) -> mmap.mmap:
    """The file at PATH, which has LEAST bytes at least; one with HEAD and of SIZE bytes is made if there is none.

    Raises:
        OSError: the directory cannot be written.
    """
    found = _opened(path, least, size_of)
    if found is None:
        _make(path, least, size_of, head(), size)
        found = _opened(path, least, size_of)
    if found is None:
        raise OSError(0, f"another program writes the file {path.name}")
    return found


def _opened(path: Path, least: int, size_of: SizeOf) -> mmap.mmap | None:
    """The file, mapped; None if there is none, or one that this version did not make."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        if size < least:
            return None
        memory = mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
    if size != size_of(memory):
        memory.close()
        return None
    return memory


def _make(path: Path, least: int, size_of: SizeOf, head: bytes, size: int) -> None:
    """Create the file, unless another worker is first; then that one is used."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        os.posix_fallocate(descriptor, 0, size)
        os.pwrite(descriptor, head, 0)
        if path.exists() and _opened(path, least, size_of) is None:
            Path(name).replace(path)
        else:
            os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)
