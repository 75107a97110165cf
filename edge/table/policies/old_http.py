"""HTTP/1.0 for endpoints (ingress-nginx, proxy-http-version)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class OldHttp(Policy, frozen=True, tag=True):
    """Endpoints get HTTP/1.0 requests, each on a connection of its own (RFC 9112, section 9.3)."""

    def summary(self) -> str:
        """As `Policy`."""
        return "requests are passed on as HTTP/1.0"
