"""What the webhook has done so far, for metrics."""

from __future__ import annotations

import threading


class Reviews:
    """What the webhook has done so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.allowed = 0
        self.refused = 0
        self.malformed = 0
        self.seconds = 0.0
        """Of the last review, from its body to its answer."""

    def add(self, *, allowed: bool, seconds: float) -> None:
        """One more review."""
        with self._lock:
            self.allowed += allowed
            self.refused += not allowed
            self.seconds = seconds

    def add_malformed(self) -> None:
        """One more request that was no review."""
        with self._lock:
            self.malformed += 1
