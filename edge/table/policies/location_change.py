"""Changes to the redirects of endpoints (ingress-nginx, proxy-redirect-from and proxy-redirect-to)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class LocationChange(Policy, frozen=True, tag=True):
    """The beginning of the URL in endpoints' Location and Refresh fields is replaced."""

    beginning: str
    replacement: str

    def summary(self) -> str:
        """As `Policy`."""
        return f"redirects of endpoints are passed on with {self.replacement} for {self.beginning}"
