"""The Host records: what all objects say about a host, put together.

Rules of this file:
- Two objects that name the same path of a host, in the same way, are in conflict: the older one wins, then the one that
  comes first by namespace and name. The loser's problem names the winner. So it is with `spec.defaultBackend`.
- Routes of the same path that demand different things of a request stand side by side, the most demanding one first.
- Which hosts have TLS is not known here; it is asked for when a host is compiled.
- What no path of a host takes is answered on the terms of its oldest Ingress, as in ingress-nginx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.compiling.app_roots import with_app_root
from edge.control.compiling.regex_hosts import in_regex_mode
from edge.control.containment import REASON, contain
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.parts import HostPart, Order, RoutePart
from edge.table import describing
from edge.table.policies import ErrorPages
from edge.table.records import Backend, Conditions, Host, PathKind, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import Translation
    from edge.table.policies import AnyPolicy
    from edge.table.record import Record

Losses = dict["ObjectId", list[Problem]]
"""What objects do not get, by object."""
Place = tuple[PathKind, str, Conditions | None]
"""What two routes of a host must not both have."""
Owned = tuple["ObjectId", RoutePart]
"""A route and the object that asks for it."""


class Hosts:
    """All hosts."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[ObjectId, tuple[Order, HostPart]]] = {}
        self._under: dict[str, set[str]] = {}
        """Hosts by the domain of the wildcard that covers them."""
        self._losses: dict[str, Losses] = {}
        self._shared: tuple[Backend, ...] = ()
        self._sharing: set[str] = set()
        """Hosts whose record names those backends, or would."""
        self._dirty: set[str] = set()

    def replace(self, owner: ObjectId, old: Translation | None, new: Translation | None) -> None:
        """OWNER asks for what is in NEW instead of what was in OLD."""
        for name in _parts(old):
            self._dirty.add(name)
            parts = self._parts[name]
            del parts[owner]
            if not parts:
                self._remove(name)
        if new is not None:
            for name, part in _parts(new).items():
                self._dirty.add(name)
                if name not in self._parts:
                    self._add(name)
                self._parts[name][owner] = (new.order, part)

    def tls_changed(self, name: str) -> None:
        """Whether there is a certificate for NAME, maybe a wildcard, is not as it was."""
        if name in self._parts:
            self._dirty.add(name)
        if name.startswith("*."):
            self._dirty |= self._under.get(name[2:], set())

    def share(self, backends: tuple[Backend, ...]) -> None:
        """BACKENDS answer what no Ingress takes; none: it is answered 404."""
        if backends != self._shared:
            self._shared = backends
            self._dirty |= self._sharing

    def compile(self, has_tls: Callable[[str], bool]) -> tuple[dict[str, Record | None], set[ObjectId]]:
        """The records of the hosts that may be different, and the Ingresses that won or lost something there."""
        records: dict[str, Record | None] = {}
        owners: set[ObjectId] = set()
        for name in self._dirty:
            before = self._losses.pop(name, {})
            changed, losses = self._contained(name, has_tls)
            records.update(changed)
            if losses:
                self._losses[name] = losses
            owners.update(owner for owner in (*before, *losses) if before.get(owner) != losses.get(owner))
        self._dirty.clear()
        return records, owners

    def _contained(self, name: str, has_tls: Callable[[str], bool]) -> tuple[dict[str, Record | None], Losses]:
        """The record NAME, if it is to be another, and what is lost there."""

        def failed(fault: str) -> tuple[dict[str, Record | None], Losses]:
            problem = error(REASON, "", f"{_host(name)}: {fault}; its last good version, if any, stays in force")
            return {}, {owner: [problem] for owner in self._parts.get(name, ())}

        return contain(_host(name), lambda: self._compiled(name, has_tls), failed)

    def _compiled(self, name: str, has_tls: Callable[[str], bool]) -> tuple[dict[str, Record | None], Losses]:
        losses: Losses = {}
        parts = self._parts.get(name)
        if parts is None:
            self._sharing.discard(name)
            return {name: None}, losses
        ordered = sorted(parts.items(), key=_order) if len(parts) > 1 else parts.items()
        merged = _merge(name, ((owner, order, part) for owner, (order, part) in ordered), losses)
        return {name: self._record(name, merged, tls=has_tls(name))}, losses

    def problems(self, owner: ObjectId, translation: Translation) -> Iterator[Problem]:
        """What OWNER, which asks for TRANSLATION, does not get."""
        if self._losses:
            for name in _parts(translation):
                yield from self._losses.get(name, {}).get(owner, ())

    def _add(self, name: str) -> None:
        self._parts[name] = {}
        self._under.setdefault(name.partition(".")[2], set()).add(name)

    def _remove(self, name: str) -> None:
        del self._parts[name]
        domain = name.partition(".")[2]
        covered = self._under[domain]
        covered.discard(name)
        if not covered:
            del self._under[domain]

    def _record(self, name: str, merged: HostPart, *, tls: bool) -> Host:
        routes = tuple(self._finished(part, tls=tls) for part in merged.routes)
        default = self._finished(merged.default, tls=tls) if merged.default is not None else None
        self._sharing.discard(name)
        if any(isinstance(policy, ErrorPages) for route in routes for policy in route.policies):
            self._sharing.add(name)
        if default is not None and merged.default is not None and merged.default.implied:
            default = self._shared_default(name, default)
        return Host(name, routes, default, tls)

    def _shared_default(self, name: str, default: Route) -> Route | None:
        """DEFAULT, to what answers where no Ingress does; None: without policies it makes no difference."""
        if not default.policies:
            return None
        self._sharing.add(name)
        return replace(default, backends=self._shared) if self._shared else default

    def _finished(self, part: RoutePart, *, tls: bool) -> Route:
        policies = part.route.policies + part.with_tls if tls else part.route.policies
        if self._shared:
            policies = tuple(map(self._with_shared, policies))
        return replace(part.route, policies=policies) if policies != part.route.policies else part.route

    def _with_shared(self, policy: AnyPolicy) -> AnyPolicy:
        return replace(policy, shared=self._shared[0].key) if isinstance(policy, ErrorPages) else policy


def _parts(translation: Translation | None) -> Mapping[str, HostPart]:
    if translation is None:
        return {}
    if translation.default is not None:  # of an Ingress without rules: it takes whatever host nobody else does
        return {"": HostPart((), translation.default)}
    return translation.hosts


def _order(item: tuple[ObjectId, tuple[Order, HostPart]]) -> Order:
    return item[1][0]


def _merge(name: str, given: Iterable[tuple[ObjectId, Order, HostPart]], losses: Losses) -> HostPart:
    """One part out of those GIVEN, which come in the order in which they win; LOSSES gets what is left out."""
    parts = list(given)
    winners: dict[Place, tuple[ObjectId, Order, RoutePart]] = {}
    default: tuple[ObjectId, Order, RoutePart] | None = None
    for owner, order, part in parts:
        for one in part.routes:
            if one.implied:
                continue
            at = (one.route.kind, one.route.path, one.route.conditions)
            winner = winners.get(at) or winners.get((one.route.kind, one.route.path, _in_any_scheme(one.route)))
            if winner is not None:
                what = f'path "{one.route.path}" ({describing.KINDS[one.route.kind]}) of {_host(name)}'
                losses.setdefault(owner, []).append(_conflict(one.field, what, winner, owner, order))
            else:
                winners[at] = (owner, order, one)
        if part.default is not None:
            if default is not None:
                what = f"what no path of {_host(name)} takes"
                losses.setdefault(owner, []).append(_conflict(part.default.field, what, default, owner, order))
            else:
                default = (owner, order, part.default)
    _report_shadowed(name, winners, losses)
    routes = [(owner, one) for owner, _, one in winners.values()]
    if default is None and not any((kind, "/", None) in winners for kind in (PathKind.PREFIX, PathKind.STRING)):
        default = next(((owner, order, one.unmatched) for owner, order, one in parts if one.unmatched), None)
    if not any(one.regex for _, one in routes):
        routes += _implied(parts, routes)
    if any(one.route.conditions is not None for _, one in routes):
        routes.sort(key=_demands, reverse=True)  # stable: of equal ones the older object's goes first
    return with_app_root(in_regex_mode(routes, (default[0], default[2]) if default is not None else None, losses))


def _report_shadowed(name: str, winners: Mapping[Place, tuple[ObjectId, Order, RoutePart]], losses: Losses) -> None:
    """Report the plain strings among WINNERS that get nothing because of the same path as `Prefix`."""
    for owner, _, one in winners.values():
        if one.route.kind is PathKind.STRING and one.route.path.endswith("/"):
            above = winners.get((PathKind.PREFIX, one.route.path.rstrip("/") or "/", one.route.conditions))
            if above is not None:
                losses.setdefault(owner, []).append(_shadowed(name, one, above[0]))


def _implied(parts: list[tuple[ObjectId, Order, HostPart]], routes: list[Owned]) -> Iterator[Owned]:
    """The routes of PARTS that nobody wrote, as far as none of ROUTES has the path; one with a slash at its end has it
    not."""
    implied = [(owner, one) for owner, _, part in parts for one in part.routes if one.implied]
    if not implied:
        return
    taken = {one.route.path for _, one in routes if one.route.kind is not PathKind.PREFIX or not one.text.endswith("/")}
    for owner, one in implied:
        if one.route.path not in taken:
            taken.add(one.route.path)
            yield owner, one


def _in_any_scheme(route: Route) -> Conditions | None:
    """The conditions of ROUTE without the scheme: who has them takes its requests, too."""
    conditions = route.conditions
    if conditions is None or not conditions.scheme:
        return conditions
    others = replace(conditions, scheme="")
    return others if others != Conditions() else None


def _demands(owned: Owned) -> tuple[bool, int, int]:
    """How much a route demands beside its path (Gateway API, HTTPRouteRule, precedence of matches)."""
    conditions = owned[1].route.conditions
    if conditions is None:
        return False, 0, 0
    return bool(conditions.method), len(conditions.headers), len(conditions.query)


def _conflict(
    field: str, what: str, winner: tuple[ObjectId, Order, RoutePart], loser: ObjectId, order: Order
) -> Problem:
    if winner[0] == loser:
        return error("PathConflict", field, f"{what} is named twice in this {loser.kind}; the first one counts")
    why = "is older" if winner[1][0] != order[0] else "comes first by namespace and name"
    return error("PathConflict", field, f"{what} is taken by {winner[0]}, which {why}")


def _shadowed(name: str, one: RoutePart, winner: ObjectId) -> Problem:
    message = (
        f'path "{one.route.path}" (ImplementationSpecific) of {_host(name)} gets no requests: the same path as Prefix '
        f"goes before it, in {winner}"
    )
    return warning("ShadowedPath", one.field, message)


def _host(name: str) -> str:
    return f'host "{name}"' if name else "any host"
