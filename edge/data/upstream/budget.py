"""How many further attempts a worker may make: retries must not double the load of endpoints in trouble.

The budget is a share of recent requests plus a small constant, as a bucket that is filled once a second.
"""

from __future__ import annotations

SHARE = 0.2
"""Of the requests of the last second."""
CONSTANT = 10.0
"""Retries a second that are always granted."""
SECONDS = 10.0
"""How long unused budget is kept."""


class RetryBudget:
    """A bucket of retries."""

    def __init__(self) -> None:
        self.requests = 0
        """Since the last `refill`; the exchange adds to it."""
        self._left = CONSTANT * SECONDS

    def take(self) -> bool:
        """Take one retry out; False: none is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def refill(self) -> None:
        """Once a second."""
        earned = CONSTANT + SHARE * self.requests
        self._left = min(self._left + earned, earned * SECONDS)
        self.requests = 0
