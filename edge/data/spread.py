"""Sharing new connections among the workers of one listening socket.

The kernel wakes every worker for a new connection, and whoever is quickest takes it: with few long connections one
worker may end up with all of them. So a worker looks at how many connections the others have (words in shared memory)
and, while it has clearly more, waits a moment before it accepts: whoever has fewer is then the quickest.
"""

from __future__ import annotations

import mmap
import time
from typing import TYPE_CHECKING

from edge.table import counter_layout as layout
from edge.table._words import Words
from edge.table.counters import Process

if TYPE_CHECKING:
    from pathlib import Path

SLACK = 1
"""Connections that a worker may have beyond the least busy one without hesitating."""
MOMENT = 0.002
"""Seconds."""
FRESH = 3_000_000_000
"""Nanoseconds since its heartbeat after which a worker counts as gone, or stuck."""
SOON = 0.05
"""Seconds after which a worker that knows of no other looks again before it accepts: they start together."""


class Spread:
    """What this worker knows of the others."""

    def __init__(self, directory: Path, slot: int) -> None:
        self._directory = directory
        self._own = f"{layout.WORKER_NAME}{slot}"
        self._known: dict[str, Words] = {}
        self._others: tuple[Words, ...] = ()
        self._looked = 0.0

    @property
    def alone(self) -> bool:
        """Whether there is no other worker."""
        return not self._others

    def refresh(self) -> None:
        """Look again who there is; once a second."""
        self._looked = time.monotonic()
        found: dict[str, Words] = {}
        for path in self._directory.glob(layout.WORKER_NAME + "[0-9]*"):
            if path.name != self._own:
                words = self._known.get(path.name) or _open(path)
                if words is not None:
                    found[path.name] = words
        self._known = found
        now = time.monotonic_ns()
        self._others = tuple(words for words in found.values() if now - _word(words, Process.HEARTBEAT) < FRESH)

    def hesitation(self, own: int) -> float:
        """Seconds to wait before the next connection is accepted, with OWN connections here; 0: none."""
        if not self._others and time.monotonic() - self._looked > SOON:
            self.refresh()
        for words in self._others:
            if own > _word(words, Process.CONNECTIONS_ACTIVE) + SLACK:
                return MOMENT
        return 0.0


def _word(words: Words, which: Process) -> int:
    return words.load(layout.WORKER_FIRST + which)


def _open(path: Path) -> Words | None:
    try:
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), layout.WORKER_SIZE, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None  # gone, or not yet made
    return Words(memory)
