"""A connection that goes on with another protocol, such as WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.net.tunnel import tunnel
from edge.table.policies import Timeouts

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.exchange.exchange import Exchange
    from edge.data.exchange.upstream import Upstream
    from edge.data.handling.handling import Handling
    from edge.data.routing.plan import Plan

DEFAULT_READ_TIMEOUT = Timeouts("").read


def switch(upstream: Upstream, client: Client, exchange: Exchange, plan: Plan, handling: Handling) -> None:
    """Carry bytes between CLIENT, which has been sent the response 101 of UPSTREAM, and its endpoint until one of them
    ends."""
    client.watch(None)
    client.upgraded = True
    ours, theirs = client.switched(), upstream.switched()
    received = theirs.received - len(theirs)
    # An explicit proxy-read-timeout also limits the silence of switched connections.
    timeout = plan.read_timeout if plan.read_timeout != DEFAULT_READ_TIMEOUT else handling.tunnel_timeout
    try:
        tunnel(ours, theirs, timeout=timeout, counters=handling.counters)
    finally:
        exchange.outcome.upstream_content = theirs.received - received
