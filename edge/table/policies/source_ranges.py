"""Allow and deny lists of client addresses."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class SourceRanges(Policy, frozen=True, tag=True):
    """Clients in DENY are answered 403, and so are those outside of ALLOW, if there are networks in it.

    Both are networks or addresses as `edge.table.networks` reads them. The deny list is checked first.
    """

    deny: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    def summary(self) -> str:
        """As `Policy`."""
        parts = [
            f"{what} {_some(networks)}" for what, networks in (("no", self.deny), ("only", self.allow)) if networks
        ]
        return f"clients: {', '.join(parts)}"


def _some(networks: tuple[str, ...]) -> str:
    rest = len(networks) - 3
    return " ".join(networks[:3]) + (f" and {rest} more" if rest > 0 else "")
