"""How long an endpoint may be silent."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Timeouts(Policy, frozen=True, tag=True):
    """Seconds of silence tolerated in each phase of an exchange with an endpoint.

    The defaults are ingress-nginx's. They hold for routes without this policy.
    """

    connect: float = 5.0
    send: float = 60.0
    read: float = 60.0

    def summary(self) -> str:
        """As `Policy`."""
        return f"timeouts connect {self.connect:g} s, send {self.send:g} s, read {self.read:g} s"
