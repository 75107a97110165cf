"""Gives endpoints another Host than the client asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.exchange.texts import filler
from edge.data.http._message import is_host
from edge.data.policies.scripts import of_route

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import UpstreamHost


def add(policy: UpstreamHost, phases: Phases) -> None:
    """An edit of the request. What does not come out as a host leaves the client's."""
    host = filler(policy.value, of_route(phases.route))

    def edit(exchange: Exchange) -> None:
        value = host(exchange)
        if is_host(value):
            exchange.outgoing.host = value

    phases.edits.append(edit)
