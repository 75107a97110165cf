"""Sends requests with the same key to the same endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.exchange.texts import filler
from edge.data.upstream.keyed import Keyed

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.data.upstream.balancer import Balancer
    from edge.table.policies import HashBy


def add(policy: HashBy, phases: Phases) -> None:
    """The choice of endpoints."""
    key = filler(policy.key)

    def choosing(balancer: Balancer, exchange: Exchange) -> Keyed:
        return Keyed(balancer, key(exchange), policy.size)

    phases.choosing = choosing
