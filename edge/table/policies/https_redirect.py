"""Redirect of plain http requests to https."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class HttpsRedirect(Policy, frozen=True, tag=True):
    """Requests that came by plain http are answered with a redirect to the same URL under https."""

    status: int = 308
    preserve_trailing_slash: bool = False
    """Whether the redirect keeps the trailing slash of the path; ingress-nginx drops it by default."""

    with_port: bool = False
    """Whether it names the port of https in any case."""

    def summary(self) -> str:
        """As `Policy`."""
        kept = ", trailing slash kept" if self.preserve_trailing_slash else ""
        named = ", with its port" if self.with_port else ""
        return f"http is redirected to https ({self.status}{kept}{named})"
