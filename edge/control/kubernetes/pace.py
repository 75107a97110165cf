"""How fast we write to the API server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.control.kubernetes.backoff import Backoff
from edge.control.kubernetes.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.kubernetes.errors import KubernetesError

FORBIDDEN = 30.0
"""Seconds between two tries while a permission is missing."""


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
            if error.code == 403:
                rest = max(rest, FORBIDDEN)
        self._closed_until = self._clock() + rest
        return rest
