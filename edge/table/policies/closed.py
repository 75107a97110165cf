"""A route that takes its requests and serves none."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Closed(Policy, frozen=True, tag=True):
    """Every request is answered 503: what guards the route cannot be carried out."""

    reason: str

    def summary(self) -> str:
        """As `Policy`."""
        return f"closed (503): {self.reason}"
