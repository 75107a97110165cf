"""Limits how many requests a client may make, and how many at once.

A request that is too many at once has been counted by the rates, as in nginx.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.policies import closed
from edge.data.policies.source_ranges import networks
from edge.data.policies.steps import GateStep
from edge.table.limits import LimitsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Gate, Phases
    from edge.table.limits import ConnectionLimit, RateLimit
    from edge.table.policies import ClientLimits

log = logging.getLogger(__name__)


def add(policy: ClientLimits, phases: Phases) -> None:
    """A gate for each limit. Where limits cannot be kept, the route is closed."""
    owner = str(phases.owner)
    try:
        limits = phases.resources.limits
    except LimitsError as error:
        log.error("%s is closed (503): %s", owner, error)  # noqa: TRY400 - the message says it all
        phases.gates.append(closed.gate)
        return
    gates: list[Gate] = []
    # The rates of nginx are whole thousandths of a request per second.
    for name, requests, rate in (
        ("rps", policy.per_second, policy.per_second * 1000),
        ("rpm", policy.per_minute, policy.per_minute * 1000 // 60),
    ):
        if requests:
            limit = limits.rate(f"{owner} {name}", rate=rate, burst=requests * policy.burst)
            gates.append(Rate(limit, replies.plain(policy.rate_status)))
    if policy.connections:
        at_once = limits.connections(f"{owner} connections", limit=policy.connections)
        gates.append(Concurrency(at_once, replies.plain(policy.connections_status)))
    if policy.exempt:
        gates = [_except(policy.exempt, tuple(gates))]
    phases.gates += gates


class Rate(GateStep):
    """Lets as many requests of a client pass as LIMIT allows; REFUSAL is the answer to others."""

    def __init__(self, limit: RateLimit, refusal: Reply) -> None:
        self._limit = limit
        self._refusal = refusal

    def stop(self, exchange: Exchange) -> Reply | None:
        """As `GateStep`."""
        return None if self._limit.allows(exchange.client.address) else self._refusal


class Concurrency(GateStep):
    """Lets as many requests of a client be under way as LIMIT allows; REFUSAL is the answer to others."""

    def __init__(self, limit: ConnectionLimit, refusal: Reply) -> None:
        self._limit = limit
        self._refusal = refusal

    def stop(self, exchange: Exchange) -> Reply | None:
        """As `GateStep`."""
        limit = self._limit
        place = limit.enter(exchange.client.address)
        if place < 0:
            return self._refusal
        exchange.on_release(_leaving(limit, place))
        return None


def _leaving(limit: ConnectionLimit, place: int) -> Callable[[Exchange], None]:
    """What ends what `enter` of LIMIT has begun with PLACE."""
    return lambda _: limit.leave(place)


def _except(clients: tuple[str, ...], gates: tuple[Gate, ...]) -> Gate:
    """GATES for all but CLIENTS."""
    exempt = networks(clients)

    def gate(exchange: Exchange) -> Reply | None:
        if exchange.client.address in exempt:
            return None
        for one in gates:
            reply = one(exchange)
            if reply is not None:
                return reply
        return None

    return gate
