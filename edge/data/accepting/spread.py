"""Shares new connections among the workers of one listening socket.

The kernel wakes every worker for a new connection, and the fastest one accepts it: with few long connections one worker
may end up with all of them. So a worker compares its number of connections with those of the others (words in shared
memory) and, while it has more, waits a moment before it accepts, so that a worker with fewer accepts first. It waits
only for workers that accept, and not for long. If a worker has not accepted, the others wait for it again only after it
has accepted a connection or sent a heartbeat: a stuck worker delays one connection, not all. With hundreds of new
connections a second the kernel shares them well enough, and nothing waits.
"""

from __future__ import annotations

import mmap
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.table import counter_layout as layout
from edge.table._words import Words
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from pathlib import Path

SLACK = 16
"""A worker may have one connection more for each so many of the least busy worker without waiting."""
MANY = 100
"""Connections accepted within a second from which on a FEW more are no reason to wait."""
FEW = 4
MOMENT = 0.002
"""Seconds."""
MOST_MOMENTS = 10
"""Waits in a row, after which the connection is accepted in any case."""
ROW = 0.05
"""Longest time between two waits of a row in seconds, because a busy event loop extends them."""
FRESH = 3_000_000_000
"""Nanoseconds since its heartbeat after which a worker counts as gone, or stuck."""
SOON = 0.05
"""Seconds after which a new worker that knows no other one searches again before it accepts: workers start together."""
YOUNG = 5.0
"""Seconds; afterwards only `refresh` searches for the others, not each accepted connection."""


class Spread:
    """This worker's view of the others."""

    def __init__(self, directory: Path, slot: int) -> None:
        self._directory = directory
        self._own = f"{layout.WORKER_NAME}{slot}"
        self._known: dict[str, Words] = {}
        self._others: tuple[Words, ...] = ()
        self._missed: dict[Words, int] = {}
        """Workers that did not accept after a wait, with their count of signs of life at that time."""
        self._looked = 0.0
        self._young = True
        self._young_until = time.monotonic() + YOUNG
        self._moments = 0
        self._waited_until = 0.0
        self._accepted = self._accepted_before = 0
        """Since `refresh`, and in the second before it."""

    def alone(self) -> bool:
        """Whether there is no other worker."""
        return not self._others

    def refresh(self) -> None:
        """Search for the other workers again; once a second."""
        self._looked = time.monotonic()
        self._young = self._looked < self._young_until
        self._accepted, self._accepted_before = 0, self._accepted
        with suppress(OSError):  # out of descriptors: keep the known workers
            self._known = self._found()
        now = time.monotonic_ns()
        self._others = tuple(
            words for words in self._known.values() if now - _word(words, WorkerWord.HEARTBEAT) < FRESH
        )

    def _found(self) -> dict[str, Words]:
        found: dict[str, Words] = {}
        for path in self._directory.glob(layout.WORKER_NAME + "[0-9]*"):
            if path.name != self._own:
                words = self._known.get(path.name) or _open(path)
                if words is not None:
                    found[path.name] = words
        return found

    def hesitation(self, own: int) -> float:
        """Seconds to wait before the next connection is accepted, with OWN connections here; 0: none."""
        if self._young and not self._others and time.monotonic() - self._looked > SOON:
            self.refresh()
        if not self._others:
            self._accepted += 1
            return 0.0
        spare = own - FEW if max(self._accepted, self._accepted_before) >= MANY else own
        if spare > 0 and self._others_first(spare):
            now = time.monotonic()
            self._moments = self._moments + 1 if now < self._waited_until + ROW else 1
            if self._moments <= MOST_MOMENTS:
                self._waited_until = now + MOMENT
                return MOMENT
            self._missed = {words: _liveliness(words) for words in self._others if _should_go_first(words, spare)}
        self._moments = 0
        self._accepted += 1
        return 0.0

    def _others_first(self, own: int) -> bool:
        """Whether another worker should take the next connection before this one, which has OWN."""
        return any(
            _should_go_first(words, own) and self._missed.get(words) != _liveliness(words) for words in self._others
        )


def _should_go_first(words: Words, own: int) -> bool:
    """Whether the worker of WORDS should take the next connection before one that has OWN."""
    theirs = _word(words, WorkerWord.CONNECTIONS_ACTIVE)
    return own > theirs + theirs // SLACK and not _word(words, WorkerWord.DRAINING)


def _liveliness(words: Words) -> int:
    """A number that grows while the worker of WORDS accepts connections, and with each heartbeat."""
    return _word(words, WorkerWord.CONNECTIONS_ACCEPTED) + _word(words, WorkerWord.HEARTBEAT)


def _word(words: Words, which: WorkerWord) -> int:
    return words.load(layout.WORKER_FIRST + which)


def _open(path: Path) -> Words | None:
    try:
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), layout.WORKER_SIZE, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None  # gone, or not yet made
    return Words(memory)
