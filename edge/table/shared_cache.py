"""A cache that all workers of the pod share: `DIRECTORY/cache`.

Rules of this file:
- The file has a fixed size and is made once, by the first worker that needs it (`pod_files.py`).
- Each entry has a place of SLOT bytes; a key may be in one of WAYS places, and the entry that expires first is
  replaced. Values that do not fit into a place are not stored.
- There is no lock: an entry has a checksum over all of it, so an entry that two workers write concurrently, or that is
  read while it is written, counts as absent.
- Times are those of CLOCK_MONOTONIC, which all processes of the machine share.
"""

from __future__ import annotations

import secrets
import struct
from hashlib import blake2b
from time import monotonic
from typing import TYPE_CHECKING, Final

from edge.table import pod_files

if TYPE_CHECKING:
    import mmap
    from pathlib import Path

NAME: Final = "cache"
MAGIC: Final = b"EDGECAC1"
HEAD: Final = 4096
"""Bytes before the first place: magic, number of sets, secret."""
SLOT: Final = 4096
WAYS: Final = 4
SETS: Final = 1024
"""16 MiB in all."""
_HEADER: Final = struct.Struct("=8sQ32s")
_SUM: Final = 16
_ENTRY: Final = struct.Struct("=16s16sdI")
"""Checksum of the rest, key, when it expires, length of the value."""
_PLACE: Final = struct.Struct("=Q")
LONGEST: Final = SLOT - _ENTRY.size
"""Bytes of a value."""


class CacheError(Exception):
    """The file of the cache cannot be used; the message says why."""


class SharedCache:
    """The cache of the pod, for one worker."""

    def __init__(self, directory: Path, *, sets: int = SETS) -> None:
        """Map the file in DIRECTORY, and make it if there is none.

        Raises:
            CacheError: the directory cannot be written.
        """
        try:
            self._memory = _mapped(directory / NAME, sets)
        except OSError as error:
            raise CacheError(f"--shm-dir {directory}: {error.strerror}; nothing can be kept") from error
        _, self._sets, self._secret = _HEADER.unpack_from(self._memory)

    def key(self, *parts: bytes) -> bytes:
        """The key of PARTS in this order; other parts have another key."""
        digest = blake2b(digest_size=16, key=self._secret)
        for part in parts:
            digest.update(_PLACE.pack(len(part)))
            digest.update(part)
        return digest.digest()

    def get(self, key: bytes) -> bytes | None:
        """The value under KEY; None: there is none, or it has expired."""
        for at in self._places(key):
            entry = self._memory[at : at + SLOT]
            checksum, known, expires, length = _ENTRY.unpack_from(entry)
            if known == key and expires > monotonic() and length <= LONGEST:
                content = entry[_SUM : _ENTRY.size + length]
                if self._checksum(content) == checksum:
                    return content[_ENTRY.size - _SUM :]
        return None

    def put(self, key: bytes, value: bytes, seconds: float) -> None:
        """Store VALUE under KEY for SECONDS, if it fits."""
        if len(value) > LONGEST:
            return
        content = _ENTRY.pack(b"", key, monotonic() + seconds, len(value))[_SUM:] + value
        at = self._room(key)
        self._memory[at : at + _SUM + len(content)] = self._checksum(content) + content

    def _room(self, key: bytes) -> int:
        """The place for KEY: its own, else the one that expires first."""
        found: list[tuple[float, int]] = []
        for at in self._places(key):
            _, known, expires, _ = _ENTRY.unpack_from(self._memory, at)
            if known == key:
                return at
            found.append((expires if expires == expires else 0.0, at))  # noqa: PLR0124 - no number, of a broken entry
        return min(found)[1]

    def _places(self, key: bytes) -> list[int]:
        first = HEAD + _PLACE.unpack_from(key)[0] % self._sets * WAYS * SLOT
        return [first + way * SLOT for way in range(WAYS)]

    def _checksum(self, content: bytes) -> bytes:
        return blake2b(content, digest_size=_SUM, key=self._secret).digest()


def _mapped(path: Path, sets: int) -> mmap.mmap:
    def head() -> bytes:
        return _HEADER.pack(MAGIC, sets, secrets.token_bytes(32))

    return pod_files.mapped(path, HEAD, _size_of, head, HEAD + sets * WAYS * SLOT)


def _size_of(memory: mmap.mmap) -> int:
    magic, sets, _ = _HEADER.unpack_from(memory)
    return HEAD + sets * WAYS * SLOT if magic == MAGIC else 0
