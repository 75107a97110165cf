"""A route whose requests are all refused."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Closed(Policy, frozen=True, tag=True):
    """Every request is answered 503, or with `status`: what guards the route cannot be applied."""

    reason: str
    status: int = 503

    def summary(self) -> str:
        """As `Policy`."""
        return f"closed ({self.status}): {self.reason}"
