"""A worker's reports on endpoints that the control plane watches (`edge.table.watched`)."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from edge.table.watched import Health, Watched

if TYPE_CHECKING:
    from edge.data.upstream.target import Targets
    from edge.table.counters import WorkerCounters


class Reports:
    """Reports once a second, while the control plane watches."""

    def __init__(self, counters: WorkerCounters, targets: Targets) -> None:
        """COUNTERS: of the worker that knows TARGETS."""
        self._watched = Watched(counters.directory, counters.slot)
        self._targets = targets

    def tick(self) -> None:
        """Report the health of the endpoints that the control plane watches."""
        wanted = self._watched.wanted()
        found: dict[str, Health] = {}
        if wanted:
            now = monotonic()
            for target in self._targets:
                if target.name in wanted:
                    left = max(target.ejected_until - now, 0.0) if target.failures else 0.0
                    known = found.get(target.name, Health(0, 0.0))
                    longest = max(left, known.ejected_for)
                    found[target.name] = Health(target.in_flight + known.in_flight, round(longest, 3))
        self._watched.say(found)
