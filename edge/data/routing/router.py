"""Finds the plan for the host and target of a request.

Rules of this file:
- Resolved host names are remembered, in bounded number, until a route changes, so that case, port and trailing dot are
  handled once.
- A host whose record cannot be read is not absent: no wildcard, catch-all or default takes its requests. They are
  answered 503 until it can be read, and so are the requests of a default that cannot be read. If the policies of all
  routes cannot be read, all requests are answered 503.
- At the address of a Gateway only the hosts of its scope count, and of them only those of the most specific listener. A
  request that no route of a host takes goes on to the wider hosts of that listener.
- A load balancer's probe (`--health-check-path`) is answered by Edge on hosts that no Ingress names; only a rule with
  exactly that path wins over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.routing.host_names import HostNames, host_name
from edge.data.routing.host_plans import HostPlans
from edge.table.counter_layout import backends_of, labels_of
from edge.table.paths import normalise_bytes, path_of
from edge.table.reader import UnreadableError
from edge.table.records import (
    GLOBALS,
    LISTENERS,
    SHARED_POLICIES,
    Backend,
    Globals,
    Host,
    Listeners,
    PathKind,
    Route,
    SharedPolicies,
    hosts_over,
    scoped,
)
from edge.table.salvage import UNREADABLE

if TYPE_CHECKING:
    from edge.data.http._message import Message
    from edge.data.http.scope import Scope
    from edge.data.routing.plan import Plan
    from edge.data.routing.planner import Planner
    from edge.table.counters import RouteLabels
    from edge.table.reader import TableReader

MOST_RESOLVED = 4096
"""Spellings of host names remembered."""
UNAVAILABLE: Final = Route(PathKind.PREFIX, "/", policies=(UNREADABLE,))
"""In place of all routes that cannot be read: a single one, because clients choose the names of hosts."""
UNREADABLE_HOST: Final = Host("", default=UNAVAILABLE)
MISDIRECTED: Final = Route(PathKind.PREFIX, "/", backends=(Backend(status=421),))
"""Of requests for a host of another listener than the one whose TLS the connection has (RFC 9110, section 15.5.20)."""
UNREADABLE_GLOBALS: Final = Globals(default=UNAVAILABLE)
NONE_SHARED: Final = SharedPolicies()
UNREADABLE_SHARED: Final = SharedPolicies((UNREADABLE,))


class Router:
    """The routing table as plans."""

    def __init__(self, table: TableReader, planner: Planner, health_path: str = "") -> None:
        """HEALTH_PATH is the path of load balancers' probes; empty: there is none."""
        self._table = table
        self._routes = table.routes
        self._planner = planner
        self._names = HostNames(table)
        self._resolved: dict[bytes, HostPlans | None] = {}
        self._hosts: dict[str, HostPlans] = {}
        self._default: Plan | None = None
        self._globals: Globals | None = None
        self._chains: dict[tuple[str, bytes], tuple[HostPlans, ...]] = {}
        """In a scope: the plans of a host, then those of the wider hosts of the same listener."""
        self._misdirected: Plan | None = None
        self._unreadable: dict[bool, HostPlans] = {}
        """Those of hosts that cannot be read, made when there is one; by whether an Ingress names the host."""
        self._health_path = normalise_bytes(health_path.encode()) if health_path else b""
        self.generation = -1
        self._routes.on_gone = self._forget

    def match(self, request: Message) -> Plan | None:
        """The plan for REQUEST; None: no route takes it, or it is a probe."""
        table = self._table
        if table.changed():
            table.refresh()
        elif self.generation <= 0:  # there was no table yet: one that was published since is used at once
            table.reopen()
        if self._routes.generation != self.generation:
            self._take_up()
        if request.scope is not None:
            return self._match_in(request.scope, request)
        plans = self._resolved.get(request.host)
        if plans is None and request.host not in self._resolved:
            plans = self._resolve(request.host)
        if plans is None:
            return None if self._is_probe(request.target) else self._default
        if plans.unnamed and self._is_probe(request.target) and not plans.names(self._health_path):
            return None
        plan = plans.match(request)
        if plan is None and plans.record.wider:
            plan = self._wider(plans, request)
        return plan if plan is not None else self._default

    def _wider(self, plans: HostPlans, request: Message) -> Plan | None:
        """The plan for REQUEST of a wider host than that of PLANS, as far as they let requests go on."""
        passed = False
        for candidate in hosts_over(host_name(request.host)):
            if not passed:
                passed = candidate == plans.record.name
                continue
            wider = self._host(candidate)
            if wider is not None:
                if not wider.record.wider:
                    return wider.match(request) if wider.record is UNREADABLE_HOST else None
                plan = wider.match(request)
                if plan is not None:
                    return plan
        return None

    def _match_in(self, scope: Scope, request: Message) -> Plan | None:
        """As `match`, of a request that came in at the address of a Gateway."""
        at = (scope.name, request.host)
        chain = self._chains.get(at)
        if chain is None:
            if len(self._chains) >= MOST_RESOLVED:
                self._chains.clear()
            chain = self._chains[at] = self._chain(scope.name, host_name(request.host))
        if chain and scope.listener not in (None, chain[0].record.listener) and chain[0].record is not UNREADABLE_HOST:
            if self._misdirected is None:
                self._misdirected = self._planner.plan("", MISDIRECTED)
            return self._misdirected
        for plans in chain:
            plan = plans.match(request)
            if plan is not None:
                return plan
        return None

    def _chain(self, scope: str, name: str) -> tuple[HostPlans, ...]:
        found: list[HostPlans] = []
        for candidate in hosts_over(name):
            plans = self._host(scoped(scope, candidate))
            if plans is None:
                continue
            unreadable = plans.record is UNREADABLE_HOST
            if not found or unreadable or plans.record.listener == found[0].record.listener:
                found.append(plans)
                if not plans.record.wider:
                    break
        return tuple(found)

    def probed(self, request: Message) -> bool:
        """Whether REQUEST, for which `match` has no plan, is a probe."""
        if request.scope is not None:
            return False
        plans = self._resolved.get(request.host)
        return (plans is None or plans.unnamed) and self._is_probe(request.target)

    def _is_probe(self, target: bytes) -> bool:
        """Whether TARGET, at a host that no Ingress names, is the path of probes."""
        path = path_of(target)
        if b"%" in path or b"/" in path[1:]:  # most paths need no normalisation
            path = normalise_bytes(path)
        return path == self._health_path

    def serves(self, labels: RouteLabels) -> bool:
        """Whether the table has a route with these LABELS."""
        if not labels.namespace:
            return True  # it has neither owner nor backend: its plan lives as long as the router
        routes: list[Route | None] = []
        try:
            for scope in self._scopes():
                record = self._table.routes.get(scoped(scope, labels.host), Host)
                routes += [*record.routes, record.default] if record is not None else []
            shared = self._table.routes.get(GLOBALS, Globals)
        except UnreadableError:
            return True  # not known
        routes.append(shared.default if shared is not None else None)
        named = [route for route in routes if route is not None]
        backends = [(route, one) for route in named for one in backends_of(route)]
        return any(labels_of(labels.host, route, backend) == labels for route, backend in backends)

    def _scopes(self) -> set[str]:
        """All scopes, the empty one among them.

        Raises:
            UnreadableError: they are not known.
        """
        listeners = self._table.routes.get(LISTENERS, Listeners)
        return {"", *(one.scope for one in listeners.sockets)} if listeners is not None else {""}

    def _take_up(self) -> None:
        """Forget what may have changed; compiled hosts are compared with their records at their next request."""
        routes = self._table.routes
        self.generation = routes.generation
        self._resolved.clear()
        self._chains.clear()
        changed = self._share()
        try:
            shared = routes.get(GLOBALS, Globals)
        except UnreadableError:
            shared = UNREADABLE_GLOBALS
        if shared is not self._globals or changed:
            before, self._globals = self._default, shared
            default = shared.default if shared is not None else None
            self._default = self._planner.plan("", default) if default is not None else None
            if before is not None:
                self._planner.drop(before)

    def _share(self) -> bool:
        """Use the current policies of all routes for plans; returns whether they have changed."""
        try:
            shared = self._routes.get(SHARED_POLICIES, SharedPolicies) or NONE_SHARED
        except UnreadableError:
            shared = UNREADABLE_SHARED
        if shared.policies is self._planner.shared:
            return False
        self._planner.shared = shared.policies
        for plan in (self._misdirected, *(one for plans in self._unreadable.values() for one in plans.plans)):
            if plan is not None:
                self._planner.drop(plan)
        self._misdirected = None
        self._unreadable.clear()
        return True

    def _resolve(self, host: bytes) -> HostPlans | None:
        name = host_name(host)
        plans = None
        try:
            for candidate in self._names.records_for(name):
                plans = self._host(candidate)
                if plans is not None:
                    break
        except UnreadableError:
            plans = self._unavailable(name)
        if len(self._resolved) >= MOST_RESOLVED:
            self._resolved.clear()
        self._resolved[host] = plans
        return plans

    def _host(self, name: str) -> HostPlans | None:
        """Plans of the host whose record has the key NAME."""
        known = self._hosts.get(name)
        try:
            record = self._table.routes.get(name, Host)
        except UnreadableError:
            current = known is not None and known.shared is self._planner.shared
            return known if current else self._unavailable(name)
        if record is None:
            self._forget(name)
            return None
        if known is None or known.record is not record or known.shared is not self._planner.shared:
            known = self._hosts[name] = HostPlans(record, self._planner, known)
        return known

    def _unavailable(self, name: str) -> HostPlans:
        named = bool(name)
        if named not in self._unreadable:
            self._unreadable[named] = HostPlans(UNREADABLE_HOST, self._planner, unnamed=not named)
        return self._unreadable[named]

    def _forget(self, name: str) -> None:
        """There is no record NAME any more."""
        known = self._hosts.pop(name, None)
        for plan in known.plans if known is not None else ():
            self._planner.drop(plan)
