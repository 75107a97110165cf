"""Changes to the cookies that endpoints set (ingress-nginx, proxy-cookie-domain and proxy-cookie-path)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class CookieChange(Policy, frozen=True, tag=True):
    """The attributes Domain and Path of endpoints' Set-Cookie fields are replaced (RFC 6265, section 4.1.2)."""

    domain: str = ""
    """The Domain that is replaced, in lower case and without a leading dot; empty: none is."""
    new_domain: str = ""
    path: str = ""
    """The beginning of Path that is replaced; empty: none is."""
    new_path: str = ""

    def summary(self) -> str:
        """As `Policy`."""
        domain = f" with Domain {self.new_domain} for {self.domain}" if self.domain else ""
        path = f" with Path {self.new_path} for {self.path}" if self.path else ""
        return f"cookies of endpoints are passed on{domain}{path}"
