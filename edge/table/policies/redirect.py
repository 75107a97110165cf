"""Redirect of every request of a route (Gateway API, HTTPRequestRedirectFilter)."""

from __future__ import annotations

from edge.table.policies.path_change import PathChange
from edge.table.policies.policy import Policy


class Redirect(Policy, frozen=True, tag=True):
    """Requests are answered with a redirect; parts that are empty or None are those of the request."""

    status: int = 302
    scheme: str = ""
    host: str = ""
    port: int = 0
    """0: the default port of `scheme` where that is given, else the port of the listener that took the request."""
    path: PathChange | None = None

    def summary(self) -> str:
        """As `Policy`."""
        authority = self.host + (f":{self.port}" if self.port else "")
        where = f"{self.scheme or 'scheme as asked'}://{authority or 'host as asked'}"
        return f"redirect ({self.status}) to {where}{self.path.summary() if self.path is not None else ''}"
