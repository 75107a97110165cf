"""Lets clients in, or refuses them, by their addresses."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.net.networks import Networks
from edge.data.policies.steps import GateStep

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import SourceRanges


def add(policy: SourceRanges, phases: Phases) -> None:
    """A check of the client by one of the lists, or by both."""
    denied, allowed = networks(policy.deny), networks(policy.allow)
    check = Addresses(denied or None, allowed or None)
    # A client that is merely not denied is not let in by that: another check may have to be passed.
    phases.check(check, admits=bool(allowed))


class Addresses(GateStep):
    """The clients that are let in: those not in DENIED, and in ALLOWED where there are such."""

    def __init__(self, denied: Networks | None, allowed: Networks | None) -> None:
        self._denied = denied
        self._allowed = allowed

    def stop(self, exchange: Exchange) -> Reply | None:
        """As `GateStep`."""
        address = exchange.client.address
        if self._denied is not None and self._denied.find(address) >= 0:
            return replies.FORBIDDEN
        if self._allowed is not None and self._allowed.find(address) < 0:
            return replies.FORBIDDEN
        return None


@lru_cache(maxsize=64)
def networks(texts: tuple[str, ...]) -> Networks:
    """The networks TEXTS; the routes of one Ingress have the same."""
    return Networks(texts)
