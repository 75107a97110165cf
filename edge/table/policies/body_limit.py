"""The largest request body."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class BodyLimit(Policy, frozen=True, tag=True):
    """Requests with a larger body are answered 413."""

    size: int
    """Bytes, above 0."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"request bodies up to {self.size} bytes"
