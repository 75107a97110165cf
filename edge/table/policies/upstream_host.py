"""The Host that endpoints get (ingress-nginx, upstream-vhost)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class UpstreamHost(Policy, frozen=True, tag=True):
    """Endpoints get this Host; X-Forwarded-Host stays the client's."""

    value: str
    """May have the variables of `edge.table.variables`."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"requests are passed on with Host {self.value}"
