"""From host and target of a request to the plan for it.

Rules of this file:
- A host's record is compiled once into dicts; a request costs one look-up by its Host bytes and one or two by path.
- Host names that were resolved are remembered, in bounded number, until a route changes: neither case, port nor
  trailing dot is looked at twice.
- A host whose record cannot be read is not absent: no wildcard, catch-all or default takes its requests. They are
  answered 503 until it can be read, and so is what the default takes when that cannot be read.
- A load balancer's probe (`--health-check-path`) is Edge's on hosts that no Ingress names, whatever takes their other
  requests; only a rule that names that very path goes before it.
- Paths are compared in normal form (`edge.table.paths`); endpoints get the bytes that the client sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.table.counter_layout import labels_of
from edge.table.paths import normalise_bytes
from edge.table.reader import UnreadableError
from edge.table.records import SETTINGS, Host, PathKind, Route, Settings, wildcard_of

if TYPE_CHECKING:
    from edge.data.routing.plan import Plan, Planner
    from edge.table.counters import RouteLabels
    from edge.table.reader import TableReader

MOST_RESOLVED = 4096
"""Spellings of host names remembered."""
UNAVAILABLE: Final = Route(PathKind.PREFIX, "/", "", "", status=503)
"""In place of all routes that cannot be read: one, because clients choose the names of hosts."""
UNREADABLE_HOST: Final = Host("", default=UNAVAILABLE)
UNREADABLE_SETTINGS: Final = Settings(default=UNAVAILABLE)
UNAVAILABLE_LABELS: Final = labels_of("", UNAVAILABLE)


class HostPlans:
    """The plans of one host, by path."""

    def __init__(self, record: Host, planner: Planner, previous: HostPlans | None = None) -> None:
        """Compile RECORD, taking over from PREVIOUS the plans of routes that did not change."""
        kept = {plan.route: plan for plan in previous.plans} if previous is not None else {}
        self.record = record
        self.unnamed = not record.name
        """Whether these are for the hosts that no Ingress names."""
        self.plans: list[Plan] = []
        self._exact: dict[bytes, Plan] = {}
        self._prefix: dict[bytes, Plan] = {}
        self._strings: list[tuple[bytes, Plan]] = []

        def plan_for(route: Route) -> Plan:
            plan = kept.pop(route, None) or planner.plan(record.name, route)
            self.plans.append(plan)
            return plan

        for route in record.routes:
            path = route.path.encode()
            if route.kind is PathKind.EXACT:
                self._exact[path] = plan_for(route)
            elif route.kind is PathKind.PREFIX:
                self._prefix[path.rstrip(b"/")] = plan_for(route)
            else:
                self._strings.append((path, plan_for(route)))
        self._strings.sort(key=lambda entry: len(entry[0]), reverse=True)
        self._default = plan_for(record.default) if record.default is not None else None
        self._longest = max(map(len, self._prefix), default=0)
        only_root = not self._exact and not self._strings and set(self._prefix) == {b""}
        self._everything = self._prefix[b""] if only_root else None
        for plan in kept.values():
            planner.drop(plan)

    def match(self, target: bytes) -> Plan | None:
        """The plan for the request TARGET (RFC 9112, section 3.2, origin form)."""
        if self._everything is not None:
            return self._everything
        path = normalise_bytes(target.partition(b"?")[0])
        plan = self._exact.get(path)
        if plan is not None:
            return plan
        size, plan = self._by_elements(path)
        for string, candidate in self._strings:
            if len(string) <= size + 1:
                break
            if path.startswith(string):
                return candidate
        return plan if plan is not None else self._default

    def names(self, path: bytes) -> bool:
        """Whether a route is for this very PATH, and not just for what it lies under."""
        return path in self._exact or path in self._prefix or any(path == string for string, _ in self._strings)

    def _by_elements(self, path: bytes) -> tuple[int, Plan | None]:
        """Longest match by whole path elements, with its length; -1 without one."""
        if not self._prefix:
            return -1, None
        candidate = path[:-1] if path.endswith(b"/") else path
        if len(candidate) > self._longest:
            candidate = candidate[: self._longest + 1]
            candidate = candidate[: candidate.rfind(b"/")]
        while True:
            plan = self._prefix.get(candidate)
            if plan is not None:
                return len(candidate), plan
            cut = candidate.rfind(b"/")
            if cut < 0:
                return -1, None
            candidate = candidate[:cut]


class Router:
    """The routing table as plans."""

    def __init__(self, table: TableReader, planner: Planner, health_path: str = "") -> None:
        """HEALTH_PATH is the path of load balancers' probes; empty: there is none."""
        self._table = table
        self._routes = table.routes
        self._planner = planner
        self._resolved: dict[bytes, HostPlans | None] = {}
        self._hosts: dict[str, HostPlans] = {}
        self._default: Plan | None = None
        self._settings: Settings | None = None
        self._unreadable: HostPlans | None = None
        """Those of hosts that cannot be read, made when there is one."""
        self._health_path = normalise_bytes(health_path.encode()) if health_path else b""
        self.generation = -1
        self._routes.on_gone = self._forget

    def match(self, host: bytes, target: bytes) -> Plan | None:
        """The plan for a request; None: nobody takes it, or it is a probe."""
        table = self._table
        if table.changed():
            table.refresh()
        elif self.generation <= 0:  # there was none yet: one that came since the last look is served at once
            table.reopen()
        if self._routes.generation != self.generation:
            self._take_up()
        try:
            plans = self._resolved[host]
        except KeyError:
            plans = self._resolve(host)
        if plans is None:
            return None if self._is_probe(target) else self._default
        if plans.unnamed and self._is_probe(target) and not plans.names(self._health_path):
            return None
        plan = plans.match(target)
        return plan if plan is not None else self._default

    def probed(self, host: bytes, target: bytes) -> bool:
        """Whether a request that `match` has no plan for is a probe."""
        plans = self._resolved.get(host)
        return (plans is None or plans.unnamed) and self._is_probe(target)

    def _is_probe(self, target: bytes) -> bool:
        """Whether TARGET, at a host that no Ingress names, is the path of probes."""
        path = target.partition(b"?")[0]
        if b"%" in path or b"/" in path[1:]:  # most have nothing that another spelling could hide in
            path = normalise_bytes(path)
        return path == self._health_path

    def serves(self, labels: RouteLabels) -> bool:
        """Whether the table has a route with these LABELS."""
        if labels == UNAVAILABLE_LABELS:
            return True  # its plan lives as long as this
        try:
            record = self._table.routes.get(labels.host, Host)
            settings = self._table.routes.get(SETTINGS, Settings)
        except UnreadableError:
            return True  # nobody knows
        routes = [*record.routes, record.default] if record is not None else []
        routes.append(settings.default if settings is not None else None)
        return any(route is not None and labels_of(labels.host, route) == labels for route in routes)

    def _take_up(self) -> None:
        """Forget what may have changed; compiled hosts are compared again when they are next asked for."""
        routes = self._table.routes
        self.generation = routes.generation
        self._resolved.clear()
        try:
            settings = routes.get(SETTINGS, Settings)
        except UnreadableError:
            settings = UNREADABLE_SETTINGS
        if settings is not self._settings:
            if self._default is not None:
                self._planner.drop(self._default)
            self._settings = settings
            default = settings.default if settings is not None else None
            self._default = self._planner.plan("", default) if default is not None else None

    def _resolve(self, host: bytes) -> HostPlans | None:
        name = host_name(host)
        plans = self._host(name)
        if plans is None and (wildcard := wildcard_of(name)):
            plans = self._host(wildcard)
        if plans is None and name:
            plans = self._host("")
        if len(self._resolved) >= MOST_RESOLVED:
            self._resolved.clear()
        self._resolved[host] = plans
        return plans

    def _host(self, name: str) -> HostPlans | None:
        """Plans of the host whose record is NAME."""
        known = self._hosts.get(name)
        try:
            record = self._table.routes.get(name, Host)
        except UnreadableError:
            return known if known is not None else self._unavailable()
        if record is None:
            self._forget(name)
            return None
        if known is None or known.record is not record:
            known = self._hosts[name] = HostPlans(record, self._planner, known)
        return known

    def _unavailable(self) -> HostPlans:
        if self._unreadable is None:
            self._unreadable = HostPlans(UNREADABLE_HOST, self._planner)
        return self._unreadable

    def _forget(self, name: str) -> None:
        """There is no record NAME any more."""
        known = self._hosts.pop(name, None)
        for plan in known.plans if known is not None else ():
            self._planner.drop(plan)


def host_name(host: bytes) -> str:
    """The name in a Host value: lower case, without port and trailing dot (RFC 9110, section 4.2.3)."""
    name = host.decode("latin-1").lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")
