"""How long a request may take as a whole (Gateway API, HTTPRouteTimeouts)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Deadline(Policy, frozen=True, tag=True):
    """Limits the total time of a request; one that takes longer is answered 504."""

    request: float = 0.0
    """Seconds from the request's head to the end of its response; 0: no limit."""
    attempt: float = 0.0
    """Seconds for one attempt at an endpoint; 0: no limit."""

    def summary(self) -> str:
        """As `Policy`."""
        limits = [("a request", self.request), ("an attempt", self.attempt)]
        parts = [f"{name} takes {seconds:g} s at most" for name, seconds in limits if seconds]
        return ", ".join(parts) or "no limit of time"
