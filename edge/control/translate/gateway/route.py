"""Translates an HTTPRoute or GRPCRoute, given its listeners: routes under hosts, and Services.

Rules of this file:
- A route with a match that is not supported is not served at all: without one rule its requests would go to wider
  rules.
- Requests that come by one scheme only (all listeners of a host are HTTP, or all are HTTPS) are distinguished by a
  condition; where both take a host there is none.

Source: Gateway API v1.6, HTTPRoute and GRPCRoute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from edge.control.kinds.gateway_routes import GRPCRoute
from edge.control.kinds.http_routes import RouteMatch
from edge.control.translate.gateway import (
    bodies,
    filters,
    grpc,
    matches,
    outcomes,
    patience,
    request_mirror,
    session_persistence,
)
from edge.control.translate.gateway.attaching import Attachment
from edge.control.translate.gateway.backends import GRPC, HTTP, BackendReader
from edge.control.translate.gateway.places import places
from edge.control.translate.gateway.shown import Shown
from edge.control.translate.parts import HostPart, RoutePart, Translation
from edge.table.records import Backend, Owner, Route

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.http_routes import HTTPRoute, RouteRule
    from edge.control.kinds.problems import Problem
    from edge.control.translate.gateway.backends import Manner
    from edge.control.translate.gateway.places import Place
    from edge.control.translate.gateway.view import View
    from edge.table.records import RouteMirror


def translate(route: HTTPRoute | GRPCRoute, view: View) -> Translation | None:
    """What ROUTE asks for; None: it concerns no Gateway that is ours."""
    attachment = Attachment(route, view)
    if not attachment.parents and not attachment.problems:
        return None
    rules, manner, refused = _rules(route)
    problems: list[Problem] = list(attachment.problems)
    metadata = route.metadata
    backends = BackendReader(route.id, view, manner)
    owner = Owner(route.kind, metadata.namespace, metadata.name)
    parts: list[tuple[RouteMatch, RoutePart]] = []
    faulty: list[Problem] = []
    for number, rule in enumerate(rules):
        field = f"spec.rules[{number}]"
        found = list(filters.faults(rule.filters, f"{field}.filters", of_backend=False))
        faulty += found
        read = [backends.read(one, f"{field}.backendRefs[{index}]") for index, one in enumerate(rule.backend_refs)]
        mirrors = tuple(request_mirror.mirrors(rule.filters, f"{field}.filters", backends))
        if not refused:
            targets = Targets(read, mirrors, Backend(status=manner.status))
            parts += _rule(rule, field, owner, targets, refused=bool(found))
    facts = outcomes.facts(attachment, backends, [*refused, *faulty], all_refused=bool(refused))
    if refused or not attachment.meetings:
        return Translation(route.order, {}, None, (), (), (*problems, *refused, *faulty), facts=facts)
    shown = Shown(backends.materials, view)
    hosts = {key: _host(place, parts, shown) for key, place in places(attachment.meetings).items()}
    problems += [*faulty, *backends.problems]
    materials = tuple(shown.materials.values())
    return Translation(
        route.order, hosts, None, tuple(backends.uses), (), tuple(problems), facts=facts, materials=materials
    )


def _rules(route: HTTPRoute | GRPCRoute) -> tuple[Sequence[RouteRule], Manner, list[Problem]]:
    """The rules of ROUTE as those of an HTTPRoute, how it is asked, and what of its matches cannot be used."""
    if isinstance(route, GRPCRoute):
        return grpc.rules(route), GRPC, list(grpc.unsupported(route))
    return route.spec.rules, HTTP, list(_unsupported(route.spec.rules))


def _host(place: Place, parts: list[tuple[RouteMatch, RoutePart]], shown: Shown) -> HostPart:
    """PARTS under a host at PLACE; SHOWN: as in `_under`."""
    tls = place.scoped and place.schemes == {"https"}
    return HostPart(tuple(_under(place, parts, shown)), listener=place.listener, wider=True, tls=tls)


def _under(place: Place, parts: list[tuple[RouteMatch, RoutePart]], shown: Shown) -> Iterator[RoutePart]:
    """PARTS as they are under a host at PLACE, whose Gateway shows endpoints what SHOWN says."""
    # In a scope all requests come by one scheme.
    scheme = next(iter(place.schemes)) if len(place.schemes) == 1 and not place.scoped else ""
    for match, part in parts:
        route = shown.by(place.gateway, part.route)
        yield replace(part, route=replace(route, conditions=matches.conditions(match, scheme)))


class Targets(NamedTuple):
    """Where the requests of a rule go."""

    backends: list[Backend]
    mirrors: tuple[RouteMirror, ...]
    refusal: Backend
    """In place of them where there are none, or the rule cannot be applied."""


def _rule(
    rule: RouteRule, field: str, owner: Owner, targets: Targets, *, refused: bool
) -> Iterator[tuple[RouteMatch, RoutePart]]:
    """The routes of RULE to TARGETS, one for each match; REFUSED: all requests get the refusal."""
    read, refusal = targets.backends, (targets.refusal,)
    answered = any(one.type == "RequestRedirect" for one in rule.filters)
    for number, match in enumerate(rule.matches or (RouteMatch(),)):
        kind, path = matches.path(match)
        made = Route(kind, path, owner, refusal, bodies.POLICIES)
        if not refused:
            own = (*filters.policies(rule.filters, f"{field}.filters", path), *patience.policies(rule, field))
            backends = tuple(_with_policies(rule, field, read, path)) if read or answered else refusal
            sessions, backends = session_persistence.with_sessions(rule, field, owner, backends)
            made = replace(made, backends=backends, policies=(*made.policies, *own, *sessions), mirrors=targets.mirrors)
        yield match, RoutePart(made, (), f"{field}.matches[{number}]")


def _with_policies(rule: RouteRule, field: str, read: list[Backend], path: str) -> Iterator[Backend]:
    for number, (reference, backend) in enumerate(zip(rule.backend_refs, read, strict=True)):
        if backend.key and reference.filters:
            own = filters.policies(reference.filters, f"{field}.backendRefs[{number}].filters", path)
            yield replace(backend, policies=own)
        else:
            yield backend


def _unsupported(rules: Sequence[RouteRule]) -> Iterator[Problem]:
    """What of the matches of RULES cannot be used."""
    for number, rule in enumerate(rules):
        for index, match in enumerate(rule.matches):
            yield from matches.unsupported(match, f"spec.rules[{number}].matches[{index}]")
