"""How long to wait before the next try."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = 0.8
"""Upper bound of the first wait, seconds."""
CAP = 10.0
"""Upper bound of any wait, seconds: after an outage of any length the API server is found again within this time."""


class Backoff:
    """Exponential back-off with full jitter.

    Each wait is uniform between zero and a bound that doubles, so clients that failed together do not come back
    together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """

    def __init__(
        self, *, base: float = BASE, cap: float = CAP, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._base = base
        self._cap = cap
        self._uniform = uniform
        self.failures = 0
        """Since the last success."""

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        bound = min(self._cap, self._base * 2 ** min(self.failures, 16))
        self.failures += 1
        return self._uniform(0.0, bound)

    def reset(self) -> None:
        """The last try was a success."""
        self.failures = 0
