"""Copies of requests (ingress-nginx, mirror-target)."""

from __future__ import annotations

from edge.table.policies.policy import Policy
from edge.table.remotes import remote_of


class Mirror(Policy, frozen=True, tag=True):
    """Another server gets a copy of each request; its answers are ignored."""

    remote: str = ""
    """Key of the server (`edge.table.remotes`)."""
    host: str = ""
    """The Host that it gets."""
    target: str = "/"
    """Path and query that it gets, with variables (`edge.table.variables`)."""
    with_content: bool = True
    """Whether it gets the content of the request, too."""
    secure: bool = False
    """Whether it gets them over TLS. Its certificate is not verified."""

    def remotes(self) -> tuple[str, ...]:
        """As `Policy`."""
        return (self.remote,)

    def summary(self) -> str:
        """As `Policy`."""
        host, port = remote_of(self.remote)
        name = f"[{host}]" if ":" in host else host
        scheme = "https" if self.secure else "http"
        return f"copies go to {scheme}://{name}:{port}{self.target}" + ("" if self.with_content else " without content")
