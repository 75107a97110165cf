"""How fast something may go."""

from __future__ import annotations

from typing import Final

SMALLEST: Final = 1024
"""Bytes of the smallest piece."""


class Pace:
    """How far the content of a response may have come at a moment."""

    __slots__ = ("_rate", "after", "piece")

    def __init__(self, rate: int, after: int) -> None:
        """RATE in bytes per second; the first AFTER bytes do not count."""
        self._rate = rate
        self.after = after
        self.piece = max(rate // 4, SMALLEST)
        """Bytes to send at once: a quarter of a second's."""

    def delay(self, sent: int, elapsed: float) -> float:
        """Seconds to wait before more goes, ELAPSED seconds after the first of SENT bytes; 0: none."""
        return max(0.0, (sent - self.after) / self._rate - elapsed)
