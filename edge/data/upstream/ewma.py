"""Recent response times of endpoints: a moving average, weighted by time (EWMA).

Rules of this file:
- A score is in seconds. It follows a slower answer and a faster one alike, by the share `1 - exp(-dt / DECAY)`: if an
  endpoint has had no request for long, the next answer nearly replaces its score.
- Between answers a score fades with time, so that an endpoint that was slow once is tried again.
- An endpoint without a score gets the mean of the others: a new one neither gets all requests nor none.
- The caller passes the time.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

DECAY: Final = 10.0
"""Seconds in which the weight of a measurement falls to 1/e."""


class Scores:
    """The scores of one service's endpoints, as one worker knows them."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float]] = {}

    def update(self, names: Sequence[str], now: float) -> None:
        """Keep only the scores of NAMES; new ones begin with the mean of the others at NOW."""
        kept = {name: self._known[name] for name in names if name in self._known}
        if kept:
            mean = sum(self.score(name, now) for name in kept) / len(kept)
            for name in names:
                kept.setdefault(name, (mean, now))
        self._known = kept

    def note(self, name: str, seconds: float, now: float) -> None:
        """The endpoint NAME has answered after SECONDS, at NOW."""
        before = self._known.get(name)
        if before is None:
            self._known[name] = seconds, now
            return
        score, touched = before
        weight = exp(-max(now - touched, 0.0) / DECAY)
        self._known[name] = score * weight + seconds * (1.0 - weight), max(now, touched)

    def score(self, name: str, now: float) -> float:
        """The score of NAME at NOW: lower is better, 0 if nothing is known."""
        known = self._known.get(name)
        if known is None:
            return 0.0
        score, touched = known
        return score * exp(-max(now - touched, 0.0) / DECAY)
