"""A GRPCRoute in terms of HTTP: a call is a POST whose path is `/SERVICE/METHOD` (gRPC over HTTP/2, "Requests").

Source: Gateway API v1.6, GRPCRoute.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds.http_routes import PathMatch, RouteMatch, RouteRule
from edge.control.translate.gateway import matches
from edge.control.translate.gateway.matches import REGEX, VALUE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.gateway_routes import GRPCMatch, GRPCRoute, MethodMatch
    from edge.control.kinds.problems import Problem

ANY_PART: Final = "[^/]+"
"""Stands for any service, or any method."""


def rules(route: GRPCRoute) -> tuple[RouteRule, ...]:
    """The rules of ROUTE as those of an HTTPRoute; without one all calls match, and nothing answers them."""
    return tuple(
        RouteRule(
            name=rule.name,
            matches=tuple(map(_match, rule.matches)) or (RouteMatch(),),
            filters=rule.filters,
            backend_refs=rule.backend_refs,
            session_persistence=rule.session_persistence,
        )
        for rule in route.spec.rules
    ) or (RouteRule(),)


def unsupported(route: GRPCRoute) -> Iterator[Problem]:
    """What of the matches of ROUTE cannot be used."""
    for number, rule in enumerate(route.spec.rules):
        for index, match in enumerate(rule.matches):
            field = f"spec.rules[{number}].matches[{index}]"
            if match.method is not None:
                asked = PathMatch(match.method.type, _path(match.method).value)
                yield from matches.comparison(asked, f"{field}.method", VALUE_TYPES, value="")
            yield from matches.unsupported(RouteMatch(headers=match.headers), field)


def _match(match: GRPCMatch) -> RouteMatch:
    path = _path(match.method) if match.method is not None else PathMatch()
    return RouteMatch(path, match.headers)


def _path(asked: MethodMatch) -> PathMatch:
    """A service alone is a prefix, and the name of a method alone is an expression for any service."""
    exact = asked.type != REGEX  # an empty type stands for Exact, and `unsupported` reports any other
    if exact and asked.service:
        path = f"/{asked.service}"
        return PathMatch("Exact", f"{path}/{asked.method}") if asked.method else PathMatch("PathPrefix", path)
    if exact:
        return PathMatch(REGEX, f"/{ANY_PART}/{re.escape(asked.method)}")
    service, method = (f"(?:{part})" if part else ANY_PART for part in (asked.service, asked.method))
    return PathMatch(REGEX, f"/{service}/{method}")
