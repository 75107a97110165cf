"""Lets clients in, or refuses them, by their addresses."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.net.networks import Networks

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import SourceRanges


def add(policy: SourceRanges, phases: Phases) -> None:
    """A check of the client by one of the lists, or by both."""
    denied, allowed = networks(policy.deny), networks(policy.allow)

    def deny(exchange: Exchange) -> Reply | None:
        return replies.FORBIDDEN if exchange.client.address in denied else None

    def allow(exchange: Exchange) -> Reply | None:
        return None if exchange.client.address in allowed else replies.FORBIDDEN

    def both(exchange: Exchange) -> Reply | None:
        address = exchange.client.address
        return replies.FORBIDDEN if address in denied or address not in allowed else None

    # A client that is merely not denied is not let in by that: another check may have to be passed.
    phases.check(both if denied and allowed else allow if allowed else deny, admits=bool(allowed))


@lru_cache(maxsize=64)
def networks(texts: tuple[str, ...]) -> Networks:
    """The networks TEXTS; the routes of one Ingress have the same."""
    return Networks(texts)
