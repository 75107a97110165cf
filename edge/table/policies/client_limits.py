"""How many requests a client may make, and how many at once."""

from __future__ import annotations

from edge.table.policies.policy import Policy, count


class ClientLimits(Policy, frozen=True, tag=True):
    """Limits the requests of each client address under one owner of routes: those in excess are refused.

    A limit holds for all workers of the pod together; 0: there is no such limit.

    As in nginx, requests leak out of a bucket at the rate, and requests within the burst are answered without delay.
    """

    per_second: int = 0
    per_minute: int = 0
    connections: int = 0
    """Requests under way at once."""
    burst: int = 5
    """Requests in excess of a rate that pass at once, in multiples of the rate."""
    exempt: tuple[str, ...] = ()
    """Networks of clients without limits, as `edge.table.networks` reads them."""
    rate_status: int = 503
    connections_status: int = 503
    """The answers to requests in excess of a limit."""

    def summary(self) -> str:
        """As `Policy`."""
        limits = ((self.per_second, "/s"), (self.per_minute, "/min"), (self.connections, " at once"))
        text = ", ".join(f"{limit}{unit}" for limit, unit in limits if limit)
        return f"requests of a client: {text}" + (f", not for {count(self.exempt, 'network')}" if self.exempt else "")
