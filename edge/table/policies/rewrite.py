"""Another host or path for the endpoint (Gateway API, HTTPURLRewriteFilter)."""

from __future__ import annotations

from edge.table.policies.path_change import PathChange
from edge.table.policies.policy import Policy


class Rewrite(Policy, frozen=True, tag=True):
    """The endpoint gets another Host or path than the client asked for."""

    host: str = ""
    """Empty: the client's."""
    path: PathChange | None = None

    def summary(self) -> str:
        """As `Policy`."""
        host = f" with Host {self.host}" if self.host else ""
        return f"requests are passed on{host}{self.path.summary() if self.path is not None else ''}"
