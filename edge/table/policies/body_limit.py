"""The largest request body."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class BodyLimit(Policy, frozen=True, tag=True):
    """Requests with a larger body are answered 413.

    The default is ingress-nginx's. It holds for routes without this policy.
    """

    size: int = 1 << 20
    """Bytes; 0: no limit."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"request bodies up to {self.size} bytes" if self.size else "request bodies of any size"
