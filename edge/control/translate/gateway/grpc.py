"""A GRPCRoute in terms of HTTP: a call is a POST whose path is `/SERVICE/METHOD` (gRPC over HTTP/2, "Requests").

Source: Gateway API v1.6, GRPCRoute.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds.http_routes import PathMatch, RouteMatch, RouteRule

if TYPE_CHECKING:
    from edge.control.kinds.gateway_routes import GRPCMatch, GRPCRoute, MethodMatch

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


def _match(match: GRPCMatch) -> RouteMatch:
    path = _path(match.method) if match.method is not None else PathMatch()
    return RouteMatch(path, match.headers)


def _path(asked: MethodMatch) -> PathMatch:
    """A service alone is a prefix, and the name of a method alone is an expression for any service."""
    if asked.type == "Exact" and asked.service:
        path = f"/{asked.service}"
        return PathMatch("Exact", f"{path}/{asked.method}") if asked.method else PathMatch("PathPrefix", path)
    if asked.type == "Exact":
        return PathMatch("RegularExpression", f"/{ANY_PART}/{re.escape(asked.method)}")
    service, method = (f"(?:{part})" if part else ANY_PART for part in (asked.service, asked.method))
    return PathMatch("RegularExpression", f"/{service}/{method}")
