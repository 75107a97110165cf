"""Another path for the endpoint, from the groups of a pattern (ingress-nginx, rewrite-target)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class RegexRewrite(Policy, frozen=True, tag=True):
    """The path is replaced, and the query stays. An absolute URL as the target is answered with a redirect (302)."""

    target: str
    """A path or an http(s) URL; `$1` to `$9` stand for the groups of `pattern`."""
    prefix: str = ""
    """The X-Forwarded-Prefix that endpoints get, also with groups; empty: none."""
    pattern: str = ""
    """A regular expression (`edge.table.patterns`) for the path of the request."""

    def summary(self) -> str:
        """As `Policy`."""
        prefix = f" and X-Forwarded-Prefix {self.prefix}" if self.prefix else ""
        return f"requests are passed on with path {self.target}{prefix}"
