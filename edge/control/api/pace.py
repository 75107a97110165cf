"""How fast we write to the API server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.control.api.backoff import Backoff
from edge.control.api.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.api.errors import KubernetesError

FORBIDDEN = 30.0
"""Least seconds between two tries in a namespace where a permission is missing."""


class Pace:
    """A token bucket that also stands still while the API server is unwell; for one thread."""

    def __init__(self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """RATE in writes per second."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._filled = clock()
        self._closed_until = 0.0
        self._backoff = Backoff()

    def delay(self) -> float:
        """Seconds until the next write may be made; 0: now."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if now < self._closed_until:
            return self._closed_until - now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def take(self) -> None:
        """A write is being made."""
        self._tokens -= 1

    def worked(self) -> None:
        """The API server is well."""
        self._backoff.reset()

    def failed(self, error: KubernetesError) -> float:
        """The API server is not well: rest for a while; gives the seconds."""
        rest = self._backoff.next()
        if isinstance(error, RefusedError):
            rest += error.retry_after or 0.0
        self._closed_until = self._clock() + rest
        return rest


class Bars:
    """Namespaces where we are forbidden to write: each is left alone for a while, and keeps no other waiting."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}

    def put(self, namespace: str) -> bool:
        """NAMESPACE has refused us; whether that is news. With many of them each is asked less often."""
        known = namespace in self._ends
        self._ends[namespace] = self._clock() + max(FORBIDDEN, float(len(self._ends)))
        return not known

    def end(self, namespace: str) -> float:
        """Until when (seconds of the clock) NAMESPACE is to be left alone; 0: it need not be."""
        end = self._ends.get(namespace, 0.0)
        return end if end > self._clock() else 0.0

    def lift(self, namespace: str) -> None:
        """NAMESPACE lets us write."""
        self._ends.pop(namespace, None)
