"""Limits that all workers of the pod share: `DIRECTORY/limits`.

Rules of this file:
- The file has a fixed size and is made once, by the first worker (`pod_files.py`), so that a limit outlives a worker.
- `_limits.pyx` changes the counts in it.
- The client is a text, such as its address; a limit is named by text, such as its Ingress and kind.
"""

from __future__ import annotations

import secrets
import struct
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from edge.table import pod_files
from edge.table._limits import COUNT_SET, RATE_SET, SHARES, Counts, Rates, key

if TYPE_CHECKING:
    import mmap
    from pathlib import Path

NAME: Final = "limits"
MAGIC: Final = b"EDGELIM1"
HEAD: Final = 4096
"""Bytes before the first set: magic, secret, number of sets of rates, number of sets of connections."""
RATE_SETS: Final = 8192
"""Of eight clients each, in 1 MiB."""
COUNT_SETS: Final = 1024
"""Of eight clients each, in 1 MiB."""
_HEADER: Final = struct.Struct("=8sQQQ")


class LimitsError(Exception):
    """The file of limits cannot be used; the message says why."""


class Limits:
    """The limits of the pod, for one worker."""

    def __init__(self, directory: Path, slot: int, *, rate_sets: int = RATE_SETS, count_sets: int = COUNT_SETS) -> None:
        """Map the file in DIRECTORY, and make it if there is none.

        SLOT is the number of this worker: no other live one has it. Counts of an earlier worker of the slot are
        cleared.

        Raises:
            LimitsError: the directory cannot be written, or there are more workers than shares.
        """
        if not 0 <= slot < SHARES:
            raise LimitsError(f"limits are kept for {SHARES} workers at most, and this is number {slot + 1}")
        path = directory / NAME
        try:
            self._memory = _mapped(path, rate_sets, count_sets)
        except OSError as error:
            raise LimitsError(f"--shm-dir {directory}: {error.strerror}; limits cannot be kept") from error
        _, self._secret, rate_sets, count_sets = _HEADER.unpack_from(self._memory)
        self._rates = Rates(self._memory, HEAD, rate_sets)
        self._counts = Counts(self._memory, HEAD + rate_sets * RATE_SET, count_sets, slot)
        self._counts.clear()

    def rate(self, name: str, *, rate: int, burst: int) -> RateLimit:
        """The limit called NAME: RATE thousandths of a request per second, BURST requests in excess of it."""
        return RateLimit(self._rates, _number(name), self._secret, rate, 1000 * burst)

    def connections(self, name: str, *, limit: int) -> ConnectionLimit:
        """The limit called NAME: LIMIT requests of a client at once."""
        return ConnectionLimit(self._counts, _number(name), self._secret, limit)


class RateLimit:
    """A limit of requests per time."""

    def __init__(self, rates: Rates, number: int, secret: int, rate: int, burst: int) -> None:
        self._rates = rates
        self._number = number
        self._secret = secret
        self._rate = rate
        self._burst = burst

    def allows(self, client: str) -> bool:
        """Whether one more request of CLIENT is within the limit; if so, it is counted."""
        return self._rates.allows(key(self._number, client, self._secret), self._rate, self._burst)


class ConnectionLimit:
    """A limit of requests under way at once."""

    def __init__(self, counts: Counts, number: int, secret: int, limit: int) -> None:
        self._counts = counts
        self._number = number
        self._secret = secret
        self._limit = limit

    def enter(self, client: str) -> int:
        """Count one more request of CLIENT; returns the argument for `leave`, or -1 if it exceeds the limit."""
        place = self._counts.enter(key(self._number, client, self._secret), self._limit)
        return place if place >= -1 else UNCOUNTED

    def leave(self, place: int) -> None:
        """A request that `enter` has counted has ended; to be called once for each."""
        if place != UNCOUNTED:
            self._counts.leave(place)


UNCOUNTED: Final = 1 << 62
"""Returned for a request that is let through because there is no room to count it."""


def has_limits(directory: Path) -> bool:
    """Whether a worker has made the file in DIRECTORY already."""
    return (directory / NAME).exists()


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def _mapped(path: Path, rate_sets: int, count_sets: int) -> mmap.mmap:
    def head() -> bytes:
        return _HEADER.pack(MAGIC, secrets.randbits(64), rate_sets, count_sets)

    return pod_files.mapped(path, HEAD, _size_of, head, _size(rate_sets, count_sets))


def _size_of(memory: mmap.mmap) -> int:
    magic, _, rate_sets, count_sets = _HEADER.unpack_from(memory)
    return _size(rate_sets, count_sets) if magic == MAGIC else 0


def _size(rate_sets: int, count_sets: int) -> int:
    return HEAD + rate_sets * RATE_SET + count_sets * COUNT_SET
