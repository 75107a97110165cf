"""The largest head of a response."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class ResponseHead(Policy, frozen=True, tag=True):
    """A response with a larger head is answered 502 in place of it."""

    size: int
    """Bytes, above 0."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"heads of responses up to {self.size} bytes"
