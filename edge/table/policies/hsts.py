"""Strict-Transport-Security (RFC 6797)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Hsts(Policy, frozen=True, tag=True):
    """Responses over TLS carry Strict-Transport-Security; it replaces the endpoint's own."""

    value: str
    """The field's value."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"Strict-Transport-Security: {self.value}"
