"""The plans of one host, by path.

Rules of this file:
- A host's record is compiled once into dicts; a request needs one or two look-ups by path.
- Paths are compared in normal form (`edge.table.paths`); endpoints get the bytes that the client sent.
- A route with conditions that a request does not meet is skipped: the next one of the same path is tried, then shorter
  paths. This costs nothing for hosts without such routes.
- Patterns are tried one after another. A request that takes too many steps is answered 500: a later route might not be
  meant for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.paths import normal_path
from edge.table.patterns.matching import Pattern, PatternLimitError, compile_pattern
from edge.table.records import Backend, Host, PathKind, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge.data.http._message import Message
    from edge.data.routing.plan import Plan
    from edge.data.routing.planner import Planner
    from edge.table.policies import AnyPolicy


class HostPlans:
    """The plans of one host, by path."""

    def __init__(
        self, record: Host, planner: Planner, previous: HostPlans | None = None, *, unnamed: bool | None = None
    ) -> None:
        """Compile RECORD, taking over from PREVIOUS the plans of routes that did not change; UNNAMED: see the
        attribute."""
        old = {plan.route: plan for plan in previous.plans} if previous is not None else {}
        kept = old if previous is not None and previous.shared is planner.shared else {}
        self.record = record
        self.shared: tuple[AnyPolicy, ...] = planner.shared
        """The policies of all routes with which the plans were made."""
        self.unnamed = not (record.name or record.scope) if unnamed is None else unnamed
        """Whether these are for the hosts that no Ingress names."""
        self.plans: list[Plan] = []
        self._exact: dict[bytes, Plan] = {}
        self._prefix: dict[bytes, Plan] = {}
        self._strings: list[tuple[bytes, Plan]] = []
        self._patterns: list[tuple[Pattern, Plan]] | None = None
        self._unmatched: Plan | None = None
        """Answers what cannot be matched within the limit."""

        def plan_for(route: Route) -> Plan:
            plan = kept.pop(route, None) or planner.plan(record.name, route)
            plan.otherwise = None
            self.plans.append(plan)
            return plan

        self._conditional = any(route.conditions is not None for route in record.routes)
        if self._add(record.routes, plan_for):
            self._unmatched = plan_for(Route(PathKind.PREFIX, "/", backends=(Backend(status=500),)))
        self._default = plan_for(record.default) if record.default is not None else None
        self._longest = max(map(len, self._prefix), default=0)
        others = self._conditional or self._exact or self._strings or self._patterns
        only_root = not others and set(self._prefix) == {b""}
        self._everything = self._prefix[b""] if only_root else None
        for plan in old.values():  # after the new ones are made, which may use the same endpoints
            planner.drop(plan)

    def _add(self, routes: Iterable[Route], plan_for: Callable[[Route], Plan]) -> bool:
        """Add ROUTES with the plans from PLAN_FOR; returns whether a request may take too many steps to match."""
        limited = False
        strings: dict[bytes, Plan] = {}
        patterns: list[tuple[Pattern, Plan]] = []
        for route in routes:
            path, plan = route.path.encode(), plan_for(route)
            limited = limited or (plan.demands is not None and plan.demands.limited)
            if route.kind is PathKind.EXACT:
                _append(self._exact, path, plan)
            elif route.kind is PathKind.PREFIX:
                _append(self._prefix, path.rstrip(b"/"), plan)
            elif route.kind is PathKind.PATTERN:
                patterns.append((compile_pattern(route.path), plan))
            elif route.kind is PathKind.REGEX:
                patterns.append((compile_pattern(route.path, ignore_case=False, whole=True), plan))
            else:
                _append(strings, path, plan)
        self._patterns = patterns or None
        self._strings = sorted(strings.items(), key=lambda entry: len(entry[0]), reverse=True)
        return limited or bool(patterns)

    def match(self, request: Message) -> Plan | None:
        """The plan for REQUEST, by its target in origin form (RFC 9112, section 3.2.1)."""
        if self._everything is not None:
            return self._everything
        path = normal_path(request.target)
        if self._unmatched is not None:
            try:
                plan = self._limited(path, request)
            except PatternLimitError:
                plan = self._unmatched
            return plan
        if self._conditional:
            return self._first_met(path, request)
        plan = self._exact.get(path) if self._exact else None
        return plan if plan is not None else self._longest_of(path)

    def _limited(self, path: bytes, request: Message) -> Plan | None:
        """As `match` for PATH, on a host with regular expressions.

        Raises:
            PatternLimitError: one of them takes too many steps.
        """
        exact = self._exact.get(path) if self._exact else None
        plan = exact.meeting(request) if exact is not None else None
        if plan is None:
            plan = self._by_pattern(path, request)
        if plan is not None:
            return plan
        return self._first_met(path, request) if self._conditional else self._longest_of(path)

    def _longest_of(self, path: bytes) -> Plan | None:
        """The plan with the longest path that PATH lies under, else that of the default."""
        size, plan = self._by_elements(path)
        for string, candidate in self._strings:
            if len(string) <= size + 1:
                break
            if path.startswith(string):
                return candidate
        return plan if plan is not None else self._default

    def _first_met(self, path: bytes, request: Message) -> Plan | None:
        """As `match` for PATH, in the same order, but skipping routes whose conditions REQUEST does not meet."""
        found: list[tuple[int, Plan]] = []
        size, plan = self._by_elements(path)
        while plan is not None:
            found.append((size, plan))
            size, plan = self._by_elements(path[: path.rfind(b"/", 0, size)]) if size > 0 else (-1, None)
        found += [(len(string) - 1, plan) for string, plan in self._strings if path.startswith(string)]
        found.sort(key=_size, reverse=True)
        if path in self._exact:
            found.insert(0, (len(path), self._exact[path]))
        for _, candidate in found:
            met = candidate.meeting(request)
            if met is not None:
                return met
        return self._default

    def _by_pattern(self, path: bytes, request: Message) -> Plan | None:
        """The plan of the first pattern that matches PATH and whose conditions REQUEST meets.

        Raises:
            PatternLimitError: that cannot be found out.
        """
        if self._patterns is None:
            return None
        for pattern, plan in self._patterns:
            if pattern.match(path) is not None:
                met = plan.meeting(request)
                if met is not None:
                    return met
        return None

    def names(self, path: bytes) -> bool:
        """Whether a route has exactly this PATH, and not just a prefix of it."""
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


def _size(found: tuple[int, Plan]) -> int:
    return found[0]


def _append(plans: dict[bytes, Plan], path: bytes, plan: Plan) -> None:
    """Add PLAN for PATH, behind those that are there already."""
    before = plans.setdefault(path, plan)
    while before is not plan:
        if before.otherwise is None:
            before.otherwise = plan
        before = before.otherwise
