"""Redirect of the root of a host (ingress-nginx, app-root)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class AppRoot(Policy, frozen=True, tag=True):
    """Every request is answered with a redirect (302) to a path of the same host.

    The control plane gives it to the `Exact` path `/` of a host alone.
    """

    path: str
    """Begins with a slash; may have a query."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"redirect (302) to {self.path}"
