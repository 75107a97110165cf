"""How soon a worker that has died by itself is replaced: at once, or after a pause if workers die repeatedly.

Without the pause, a lasting fault (not enough memory, a library that crashes) would make the arbiter fork in a tight
loop, which takes the processor from everything else on the node and floods the log.
"""

from __future__ import annotations

import time
from collections import deque

AT_ONCE = 10
"""Deaths within WINDOW that are followed by a new worker at once."""
WINDOW = 10.0
"""Seconds."""
PAUSE = 1.0
"""Seconds between a further death and the new worker."""


class Succession:
    """The last deaths."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=AT_ONCE + 1)

    def died(self, workers: int) -> None:
        """Note that so many WORKERS have died now."""
        self._deaths.extend([time.monotonic()] * workers)

    @property
    def hurried(self) -> bool:
        """Whether workers die faster than they should be replaced."""
        deaths = self._deaths
        return len(deaths) == deaths.maxlen and deaths[-1] - deaths[0] < WINDOW

    @property
    def due(self) -> bool:
        """Whether the next worker may be started now."""
        return not self.hurried or time.monotonic() - self._deaths[-1] >= PAUSE
