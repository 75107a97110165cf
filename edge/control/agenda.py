"""When each of many keys is due.

Rules of this file:
- A key is due once, at the time of the last `put`. Times are seconds of the clock that the caller uses.
- Nothing is locked.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, TypeVar

K = TypeVar("K")

SPARE = 64
"""Old entries of the heap that are kept in any case."""


class Agenda(Generic[K]):
    """Keys, ordered by the time at which they are due."""

    def __init__(self) -> None:
        self._entries: dict[K, tuple[float, int, K]] = {}
        self._heap: list[tuple[float, int, K]] = []
        """Entries that are not those of their keys are old."""
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: K, when: float) -> None:
        """KEY is due at WHEN, and no longer at another time."""
        before = self._entries.get(key)
        if before is not None and before[0] == when:
            return
        entry = self._entries[key] = (when, next(self._numbers), key)
        heapq.heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._entries) + SPARE:
            self._heap = list(self._entries.values())
            heapq.heapify(self._heap)

    def advance(self, key: K, when: float) -> None:
        """KEY is due at WHEN, unless it is due earlier."""
        before = self._entries.get(key)
        if before is None or when < before[0]:
            self.put(key, when)

    def drop(self, key: K) -> None:
        """KEY is not due."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Nothing is due."""
        self._entries.clear()
        self._heap.clear()

    @property
    def next(self) -> float | None:
        """The earliest time at which a key is due; None: there is no key."""
        while self._heap and self._entries.get(self._heap[0][2]) is not self._heap[0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> K | None:
        """Take out the key that is due first; None: none is due at NOW."""
        when = self.next
        if when is None or when > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._entries[key]
        return key
