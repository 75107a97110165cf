"""The routes of one host, merged from the parts that all objects have for it.

Rules of this file:
- Two objects that name the same path of a host, in the same way, are in conflict: the older one wins, then the one that
  comes first by namespace and name. The loser's problem names the winner. The same holds for `spec.defaultBackend`.
- Routes of the same path with different conditions are kept side by side, the most specific one first.
- Canaries are added to the routes of others when the conflicts of paths are resolved. A host that only canaries name
  does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.compiling.app_roots import with_app_root
from edge.control.compiling.canaries import unmatched, with_canary
from edge.control.compiling.implied import redirects, rest
from edge.control.compiling.regex_hosts import in_regex_mode
from edge.control.kinds.problems import Problem, error, warning
from edge.table import describing
from edge.table.records import Conditions, PathKind, host_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import HostPart, Order, RoutePart
    from edge.table.records import Route

Conflicts = dict["ObjectId", list[Problem]]
"""The problems of objects that lose a conflict, by object."""
Winner = tuple["ObjectId", "Order", "RoutePart"]
"""A route, and the object that it comes from with its order."""
Winners = dict[tuple[PathKind, str, "Conditions | None"], Winner]
"""The winner of each path."""


Said = tuple["ObjectId", "Order", "HostPart"]
"""An object with its order, and what it says about a host."""


def merge(name: str, parts: Sequence[Said], conflicts: Conflicts, *, cross_namespace: bool) -> HostPart | None:
    """The host NAME out of PARTS, which come in the order in which they win; None: there is no such host.

    CONFLICTS gets what is left out. CROSS_NAMESPACE: a canary may have a main Ingress of another namespace.
    """
    mains = [said for said in parts if not _is_canary(said[2])]
    winners, default = _winners(name, mains, conflicts)
    if len(mains) < len(parts):
        for owner, _, part in parts:
            if _is_canary(part):
                default = _with_canary(
                    name, winners, default, (owner, part), conflicts, cross_namespace=cross_namespace
                )
    return _merged(name, mains, winners, default, conflicts) if mains else None


def _with_canary(
    name: str,
    winners: Winners,
    default: Winner | None,
    canary: tuple[ObjectId, HostPart],
    conflicts: Conflicts,
    *,
    cross_namespace: bool,
) -> Winner | None:
    """Put CANARY into WINNERS; gives DEFAULT with its part of it."""
    owner, said = canary

    def added(main: Winner | None, part: RoutePart, what: str) -> Winner | None:
        if main is None or main[0].kind != owner.kind:
            conflicts.setdefault(owner, []).append(unmatched(part, what))
            return main
        result = with_canary((main[0], main[2]), (owner, part), what, cross_namespace=cross_namespace)
        if isinstance(result, Problem):
            conflicts.setdefault(owner, []).append(result)
            return main
        return main[0], main[1], result

    for one in said.routes:
        at = (one.route.kind, one.route.path, None)
        main = added(winners.get(at), one, _path(name, one))
        if main is not None:
            winners[at] = main
    return added(default, said.default, _rest(name)) if said.default is not None else default


def _is_canary(part: HostPart) -> bool:
    """Whether PART is of an Ingress that is a canary, in all that it says about the host."""
    return any(one.canary is not None for one in (*part.routes[:1], part.default) if one is not None)


def _winners(name: str, parts: Sequence[Said], conflicts: Conflicts) -> tuple[Winners, Winner | None]:
    """Who gets each path of PARTS, and who the rest; CONFLICTS gets what is left out."""
    winners: Winners = {}
    default: Winner | None = None
    for owner, order, part in parts:
        for one in part.routes:
            if one.implied:
                continue
            at = (one.route.kind, one.route.path, one.route.conditions)
            winner = winners.get(at) or winners.get((one.route.kind, one.route.path, _in_any_scheme(one.route)))
            if winner is not None:
                conflicts.setdefault(owner, []).append(_conflict(one.field, _path(name, one), winner, owner, order))
            else:
                winners[at] = (owner, order, one)
        if part.default is not None:
            if default is not None:
                conflicts.setdefault(owner, []).append(
                    _conflict(part.default.field, _rest(name), default, owner, order)
                )
            else:
                default = (owner, order, part.default)
    return winners, default


def _merged(
    name: str, parts: Sequence[Said], winners: Winners, default: Winner | None, conflicts: Conflicts
) -> HostPart:
    """One part out of WINNERS and DEFAULT of PARTS; CONFLICTS gets what has no effect."""
    for owner, _, one in winners.values():
        if one.route.kind is PathKind.STRING and one.route.path.endswith("/"):
            above = winners.get((PathKind.PREFIX, one.route.path.rstrip("/") or "/", one.route.conditions))
            if above is not None:
                conflicts.setdefault(owner, []).append(_shadowed(name, one, above[0]))
    routes = [(owner, one) for owner, _, one in winners.values()]
    if default is None:
        default = rest(parts, routes)
    routes += redirects(parts, routes)
    if any(one.route.conditions is not None or one.route.kind is PathKind.REGEX for _, one in routes):
        routes.sort(key=_demands, reverse=True)  # stable: of equal ones the older object's goes first
    return with_app_root(in_regex_mode(routes, (default[0], default[2]) if default is not None else None, conflicts))


def _in_any_scheme(route: Route) -> Conditions | None:
    """The conditions of ROUTE without the scheme: a route with these takes its requests, too."""
    conditions = route.conditions
    if conditions is None or not conditions.scheme:
        return conditions
    others = replace(conditions, scheme="")
    return others if others != Conditions() else None


def _demands(owned: tuple[ObjectId, RoutePart]) -> tuple[int, bool, int, int]:
    """How specific the conditions of a route beside its path are (Gateway API, HTTPRouteRule, precedence of matches).

    Of regular expressions the longest goes first, as of prefixes.
    """
    route = owned[1].route
    size, conditions = len(route.path) if route.kind is PathKind.REGEX else 0, route.conditions
    if conditions is None:
        return size, False, 0, 0
    return size, bool(conditions.method), len(conditions.headers), len(conditions.query)


def _conflict(field: str, what: str, winner: Winner, loser: ObjectId, order: Order) -> Problem:
    if winner[0] == loser:
        return error("PathConflict", field, f"{what} is named twice in this {loser.kind}; the first one counts")
    why = "is older" if winner[1][0] != order[0] else "comes first by namespace and name"
    return error("PathConflict", field, f"{what} is taken by {winner[0]}, which {why}")


def _shadowed(name: str, one: RoutePart, winner: ObjectId) -> Problem:
    message = (
        f'path "{one.route.path}" (ImplementationSpecific) of {describe(name)} gets no requests: the same path as '
        f"Prefix goes before it, in {winner}"
    )
    return warning("ShadowedPath", one.field, message)


def _path(name: str, one: RoutePart) -> str:
    return f'path "{one.route.path}" ({describing.KINDS[one.route.kind]}) of {describe(name)}'


def _rest(name: str) -> str:
    return f"what no path of {describe(name)} takes"


def describe(name: str) -> str:
    """The host NAME in messages."""
    host = host_of(name)
    return f'host "{host}"' if host else "any host"
