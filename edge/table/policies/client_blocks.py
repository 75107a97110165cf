"""Clients that are refused by address, User-Agent or Referer (ingress-nginx, block-cidrs, block-user-agents,
block-referers)."""

from __future__ import annotations

from edge.table.policies.policy import Policy, count


class ClientBlocks(Policy, frozen=True, tag=True):
    """Requests of clients in some networks, or with some User-Agent or Referer, are answered 403."""

    cidrs: tuple[str, ...] = ()
    """Networks or addresses as `edge.table.networks` reads them."""
    user_agents: tuple[str, ...] = ()
    referers: tuple[str, ...] = ()
    """Values of the fields, whatever their case; behind a `~` regular expressions that are looked for in them, behind a
    `~*` whatever their case."""

    def summary(self) -> str:
        """As `Policy`."""
        parts = ((self.cidrs, "network"), (self.user_agents, "user agent"), (self.referers, "referer"))
        return "no clients of " + ", ".join(count(listed, what) for listed, what in parts if listed)
