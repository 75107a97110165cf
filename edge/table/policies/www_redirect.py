"""Redirect between a host and the same with `www.` (ingress-nginx, from-to-www-redirect)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class WwwRedirect(Policy, frozen=True, tag=True):
    """Every request is answered with a redirect to the host without `www.`, or with it.

    Scheme, port and target stay, but for a slash at the end of the target.
    """

    host: str
    status: int = 308

    def summary(self) -> str:
        """As `Policy`."""
        return f"redirect ({self.status}) to {self.host}"
