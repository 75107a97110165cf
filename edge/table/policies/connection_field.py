"""The Connection field that endpoints get (ingress-nginx, connection-proxy-header)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class ConnectionField(Policy, frozen=True, tag=True):
    """Endpoints get this Connection field, except where a client asks for another protocol."""

    value: str
    """`close` or `keep-alive`."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"requests are passed on with Connection: {self.value}"
