"""Choice of the endpoint by a key (ingress-nginx, upstream-hash-by)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class HashBy(Policy, frozen=True, tag=True):
    """Requests with the same key go to the same endpoint, or to the same few."""

    key: str
    """May have the variables of `edge.table.variables`."""
    size: int = 1
    """Endpoints of one key, of which each request takes one at random."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"endpoints by {self.key}{f', {self.size} for each' if self.size > 1 else ''}"
