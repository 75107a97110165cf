"""Redirect of every request of a route to one URL (ingress-nginx, permanent-redirect and temporal-redirect)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class RedirectTo(Policy, frozen=True, tag=True):
    """Requests are answered with a redirect to `location`, regardless of their path."""

    status: int
    location: str
    """A URL or a path; may have the variables of `edge.table.variables`."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"redirect ({self.status}) to {self.location}"
