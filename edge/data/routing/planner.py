"""Makes the plans of routes, which share balancers if they name the same Service port.

Rules of this file:
- A policy that is not in `edge.data.policies.ORDER` closes its route, as does a backend with an unknown transport:
  requests are answered 503, which is logged and counted. No policy is skipped.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.observe.formats import Named
from edge.data.policies import AMONG_ROUTES, OF_BACKENDS, ORDER, route_mirrors
from edge.data.policies.phases import Phases
from edge.data.policies.resources import Resources
from edge.data.routing.plan import Destination, Plan
from edge.data.upstream.balancer import Balancer
from edge.data.upstream.target import Targets
from edge.data.upstream.tls import TermsError, TlsByTransport
from edge.settings import LARGEST_HEAD
from edge.table.counter_layout import backends_of
from edge.table.counters import WorkerWord
from edge.table.policies import FastCgi
from edge.table.records import Backend, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.subrequest import Ask
    from edge.data.policies.phases import Asks, Balancers
    from edge.data.upstream.terms import Terms
    from edge.data.upstream.tls import EndpointTls
    from edge.table.counters import WorkerCounters
    from edge.table.policies import AnyPolicy
    from edge.table.policies.policy import Policy
    from edge.table.reader import TableReader
    from edge.table.records import Route, Transport

log = logging.getLogger(__name__)

SPOKEN = frozenset((Protocol.HTTP1, Protocol.HTTP2, Protocol.FASTCGI))
"""The protocols for endpoints."""


class Planner:
    """Makes the plans of one worker."""

    def __init__(
        self,
        table: TableReader,
        counters: WorkerCounters,
        *,
        logged: bool = True,
        largest_head: int = LARGEST_HEAD,
        https_port: int = 443,
    ) -> None:
        """LOGGED: whether there is an access log. LARGEST_HEAD: bytes of a response's head, unless the route sets
        it. HTTPS_PORT: where clients reach the worker by https."""
        self._largest_head = largest_head
        self.targets = Targets()
        self._part = table.endpoints
        self._tls = TlsByTransport(table.tls)
        self._counters = counters
        self._logged = logged
        self._resources = Resources(counters.directory, counters.slot, https_port)
        self._balancers: dict[tuple[str, Transport], tuple[Balancer, int]] = {}
        self.subrequests: Callable[[Balancer, Terms, int], Ask] | None = None
        """How subrequests are sent; set before the first plan is made."""
        self.shared: tuple[AnyPolicy, ...] = ()
        """Policies of all routes. Plans that were made with other ones are out of date."""

    def plan(self, host: str, route: Route) -> Plan:
        """The plan for ROUTE under HOST."""
        asked: list[Balancer] = []
        scope = f"{host} {route.kind:d} {route.path}"
        main = route.backends[0] if route.backends else Backend()
        named = Named(route.owner, main, None, host, route.path)
        phases = Phases(self._resources, named, scope, self._asks(asked), self._others(asked))
        among = tuple(one for one in self.shared if type(one) in AMONG_ROUTES)
        fault = _fill(phases, tuple(one for one in self.shared if type(one) not in AMONG_ROUTES))
        phases.checks.clear()  # policies of the route do not replace these
        fault = _fill(phases, (*route.policies, *among)) or fault
        try:
            phases.tees += route_mirrors.tees(route.mirrors, phases)
        except ValueError as error:
            fault = f"a mirror ({error})"
        if phases.choosing is not None:
            fault = "a choice of endpoints that is no backend's"
        destinations = []
        for backend in backends_of(route):
            destination, wrong = self._backend(host, route, backend, named)
            destinations.append(destination)
            fault = wrong or fault
        if fault:
            self._close(host, route, phases, fault)
        return Plan(
            host,
            route,
            tuple(destinations),
            phases,
            asked=tuple(asked),
            streams=any(_streams(backend) for backend in backends_of(route)),
            logged=self._logged,
            largest_head=self._largest_head,
        )

    def _backend(self, host: str, route: Route, backend: Backend, named: Named) -> tuple[Destination, str]:
        """The destination for BACKEND, and which policy of it cannot be applied; empty: all can."""
        own = Phases(self._resources, named) if backend.policies else None
        fault = _fill(own, backend.policies, OF_BACKENDS) if own is not None else ""
        balancers: tuple[Balancer, ...] = ()
        try:
            if own is None or not own.gates:
                balancers = self._balancers_of(backend)
            _check_parameters(route, backend)
        except TermsError as error:
            fault = str(error)
        return self._destination(host, route, backend, own, balancers), fault

    def _close(self, host: str, route: Route, phases: Phases, fault: str) -> None:
        """Have every request of ROUTE answered with 503, because FAULT cannot be applied."""
        self._counters.add(WorkerWord.CLOSED_ROUTES, 1)
        log.error("%s%s (%s) is closed (503): %s cannot be applied", host, route.path, route.owner, fault)
        phases.errors = None
        phases.gates.insert(0, lambda exchange: replies.UNAVAILABLE)  # noqa: ARG005 - whatever is asked

    def drop(self, plan: Plan) -> None:
        """PLAN will not be asked for again; requests that have it may finish."""
        for destination in plan.destinations:
            for balancer in (destination.balancer, destination.secure_balancer):
                if balancer is not None:
                    self.release(balancer)
        for balancer in plan.asked:
            self.release(balancer)

    def _asks(self, asked: list[Balancer]) -> Asks:
        """How the steps of a plan ask other backends; ASKED gets the balancers of these."""

        def asks(key: str, transport: Transport, terms: Terms, most: int) -> Ask:
            if self.subrequests is None:
                raise ValueError("there are no subrequests yet")
            return self.subrequests(others(key, transport), terms, most)

        others = self._others(asked)
        return asks

    def _others(self, asked: list[Balancer]) -> Balancers:
        """What chooses among the endpoints of backends that are not the route's; ASKED gets their balancers."""

        def balancer(key: str, transport: Transport) -> Balancer:
            if transport.protocol not in SPOKEN:
                raise ValueError(f"protocol {transport.protocol!r} of {key}")
            made = self._acquire(key, transport, self._tls.of(transport))
            asked.append(made)
            return made

        return balancer

    def _balancers_of(self, backend: Backend) -> tuple[Balancer, ...]:
        """The balancer for all requests to BACKEND, or that for requests in the clear and that for those by TLS.

        Raises:
            TermsError: the terms of its transport cannot be applied.
        """
        secure = backend.secure_transport
        transports = (backend.transport,) if secure is None else (backend.transport, secure)
        terms = []
        for transport in transports:
            if transport.protocol not in SPOKEN:
                raise TermsError(f"protocol {transport.protocol!r} of backends")
            terms.append(self._tls.of(transport))
        if not backend.key:
            return ()
        return tuple(self._acquire(backend.key, *one) for one in zip(transports, terms, strict=True))

    def _destination(
        self, host: str, route: Route, backend: Backend, phases: Phases | None, balancers: tuple[Balancer, ...]
    ) -> Destination:
        return Destination(
            host,
            route,
            backend,
            balancer=balancers[0] if balancers else None,
            secure_balancer=balancers[1] if len(balancers) > 1 else None,
            reply=None
            if backend.key
            else replies.NOT_FOUND
            if backend.status == 404
            else replies.plain(backend.status),
            phases=phases,
            counters=self._counters,
        )

    def balancer(self, key: str, transport: Transport) -> Balancer:
        """The balancer of the endpoints under KEY with TRANSPORT, for one more user, who must release it.

        Raises:
            TermsError: the terms of TRANSPORT cannot be applied.
        """
        return self._acquire(key, transport, self._tls.of(transport))

    def _acquire(self, key: str, transport: Transport, tls: EndpointTls | None) -> Balancer:
        balancer, users = self._balancers.get((key, transport), (None, 0))
        if balancer is None:
            balancer = Balancer(key, self._part, self.targets, transport, tls)
        self._balancers[key, transport] = (balancer, users + 1)
        return balancer

    def release(self, balancer: Balancer) -> None:
        """A user of BALANCER needs it no longer."""
        at = (balancer.key, balancer.transport)
        _, users = self._balancers[at]
        if users > 1:
            self._balancers[at] = (balancer, users - 1)
        else:
            del self._balancers[at]
            balancer.close()


def _streams(backend: Backend) -> bool:
    """Whether requests to BACKEND are not buffered: HTTP/2 endpoints may answer before the request ends."""
    return Protocol.HTTP2 in (backend.transport.protocol, (backend.secure_transport or backend.transport).protocol)


def _check_parameters(route: Route, backend: Backend) -> None:
    """Refuse a route whose endpoints speak FastCGI and would get no CGI variables.

    Raises:
        TermsError: the policy `FastCgi` is missing.
    """
    if backend.transport.protocol is Protocol.FASTCGI and not any(isinstance(one, FastCgi) for one in route.policies):
        raise TermsError("FastCGI without the policy FastCgi")


def _fill(phases: Phases, policies: tuple[AnyPolicy, ...], allowed: frozenset[type[Policy]] | None = None) -> str:
    """Add the steps of POLICIES to PHASES, those of types in ALLOWED (None: all); returns the policy that cannot be
    added."""
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
