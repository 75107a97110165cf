"""How fast a client gets a response."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class ResponseRate(Policy, frozen=True, tag=True):
    """The content of a response goes to the client at a limited rate; each response has its own."""

    rate: int
    """Bytes per second, above 0."""
    after: int = 0
    """Bytes that go before the limit holds."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"responses at {self.rate} bytes/s" + (f" after {self.after} bytes" if self.after else "")
