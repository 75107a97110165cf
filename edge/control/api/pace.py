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
    """A token bucket that also pauses while the API server fails; for one thread."""

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
        """A write has succeeded."""
        self._backoff.reset()

    def failed(self, error: KubernetesError) -> float:
        """A write has failed: pause for a while; returns the seconds."""
        rest = self._backoff.next()
        if isinstance(error, RefusedError):
            rest += error.retry_after or 0.0
        self._closed_until = self._clock() + rest
        return rest


class Bars:
    """Namespaces where we are forbidden to write: each is skipped for a while, and delays no other."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}

    def put(self, namespace: str) -> bool:
        """A write in NAMESPACE is forbidden; whether it was allowed before. With many such namespaces each is tried
        less often."""
        known = namespace in self._ends
        self._ends[namespace] = self._clock() + max(FORBIDDEN, float(len(self._ends)))
        return not known

    def end(self, namespace: str) -> float:
        """When to try NAMESPACE again (seconds of the clock); 0: it is not skipped."""
        end = self._ends.get(namespace, 0.0)
        return end if end > self._clock() else 0.0

    def lift(self, namespace: str) -> None:
        """A write in NAMESPACE has succeeded."""
        self._ends.pop(namespace, None)
