"""Makes plans of routes, and shares balancers among those that name the same Service port.

Rules of this file:
- A policy that is not in `edge.data.policies.ORDER` closes its route, as do backends of a transport that is not spoken
  here: requests are answered 503, and the log and a counter say so. No policy is skipped.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.policies import OF_BACKENDS, ORDER
from edge.data.policies.phases import Phases
from edge.data.policies.resources import Resources
from edge.data.routing.plan import Destination, Plan
from edge.data.upstream.balancer import Balancer
from edge.data.upstream.target import Targets
from edge.table.counter_layout import backends_of
from edge.table.counters import WorkerWord
from edge.table.records import Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.subrequest import Ask
    from edge.data.observe.access_log import AccessLog
    from edge.data.policies.phases import Asks
    from edge.data.upstream.terms import Terms
    from edge.table.counters import WorkerCounters
    from edge.table.policies import AnyPolicy
    from edge.table.policies.policy import Policy
    from edge.table.reader import TableReader
    from edge.table.records import Backend, Route, Transport

log = logging.getLogger(__name__)

SPOKEN = frozenset((Protocol.HTTP1,))
"""What is spoken to endpoints."""


class Planner:
    """Makes the plans of one worker."""

    def __init__(self, table: TableReader, counters: WorkerCounters, access_log: AccessLog | None) -> None:
        self.targets = Targets()
        self._part = table.endpoints
        self._counters = counters
        self._access_log = access_log
        self._resources = Resources(counters.directory, counters.slot)
        self._balancers: dict[tuple[str, Transport], tuple[Balancer, int]] = {}
        self.subrequests: Callable[[Balancer, Terms, int], Ask] | None = None
        """How subrequests are sent; set before the first plan is made."""

    def plan(self, host: str, route: Route) -> Plan:
        """The plan for ROUTE under HOST."""
        asked: list[Balancer] = []
        phases = Phases(self._resources, route.owner, self._asks(asked))
        fault = _fill(phases, route.policies)
        destinations = []
        for backend in backends_of(route):
            own = Phases(self._resources, route.owner) if backend.policies else None
            fault = (_fill(own, backend.policies, OF_BACKENDS) if own is not None else "") or fault
            if backend.transport.protocol not in SPOKEN:
                fault = f"protocol {backend.transport.protocol!r} of backends"
            destinations.append(self._destination(host, route, backend, own))
        if fault:
            self._counters.add(WorkerWord.CLOSED_ROUTES, 1)
            log.error("%s%s (%s) is closed (503): %s cannot be carried out", host, route.path, route.owner, fault)
            phases.gates.insert(0, lambda exchange: replies.UNAVAILABLE)  # noqa: ARG005 - whatever is asked
        return Plan(host, route, tuple(destinations), phases, asked=tuple(asked), logged=self._access_log is not None)

    def drop(self, plan: Plan) -> None:
        """PLAN will not be asked for again; requests that have it may finish."""
        for destination in plan.destinations:
            if destination.balancer is not None:
                self._release(destination.balancer)
        for balancer in plan.asked:
            self._release(balancer)

    def _asks(self, asked: list[Balancer]) -> Asks:
        """How the steps of a plan ask other backends; ASKED gets the balancers of these."""

        def asks(key: str, transport: Transport, terms: Terms, most: int) -> Ask:
            if self.subrequests is None:
                raise ValueError("there are no subrequests yet")
            if transport.protocol not in SPOKEN:
                raise ValueError(f"protocol {transport.protocol!r} of {key}")
            balancer = self._acquire(key, transport)
            asked.append(balancer)
            return self.subrequests(balancer, terms, most)

        return asks

    def _destination(self, host: str, route: Route, backend: Backend, phases: Phases | None) -> Destination:
        return Destination(
            host,
            route,
            backend,
            balancer=self._acquire(backend.key, backend.transport) if backend.key else None,
            reply=None
            if backend.key
            else replies.NOT_FOUND
            if backend.status == 404
            else replies.plain(backend.status),
            phases=phases,
            counters=self._counters,
            access_log=self._access_log,
        )

    def _acquire(self, key: str, transport: Transport) -> Balancer:
        balancer, users = self._balancers.get((key, transport), (None, 0))
        if balancer is None:
            balancer = Balancer(key, self._part, self.targets, transport)
        self._balancers[key, transport] = (balancer, users + 1)
        return balancer

    def _release(self, balancer: Balancer) -> None:
        at = (balancer.key, balancer.transport)
        _, users = self._balancers[at]
        if users > 1:
            self._balancers[at] = (balancer, users - 1)
        else:
            del self._balancers[at]
            balancer.close()


def _fill(phases: Phases, policies: tuple[AnyPolicy, ...], allowed: frozenset[type[Policy]] | None = None) -> str:
    """Add the steps of POLICIES to PHASES, those of types in ALLOWED (None: all); empty, or which one cannot be."""
    by_type: dict[type[Policy], Policy] = {type(policy): policy for policy in policies}
    if len(by_type) != len(policies):
        return "a policy that is there twice"
    for record, module in ORDER:
        policy = by_type.get(record) if allowed is None or record in allowed else None
        if policy is not None:
            try:
                module.add(policy, phases)
            except ValueError as error:
                return f"policy {record.__name__} ({error})"
            del by_type[record]
    return f"policy {next(iter(by_type)).__name__}" if by_type else ""
