"""Whether requests are logged."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class NoAccessLog(Policy, frozen=True, tag=True):
    """Requests have no line in the access log."""

    def summary(self) -> str:
        """As `Policy`."""
        return "not logged"
