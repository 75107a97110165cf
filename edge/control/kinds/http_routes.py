"""HTTPRoute of the Gateway API as a typed struct, with what other routes have in common with it.

Rules of this file: those of `edge.control.kinds.gateway`.

Source: Gateway API v1.6, apis/v1.
"""

from __future__ import annotations

from edge.control.kinds.gateway import GROUP, VERSION
from edge.control.kinds.objects import Integer, Named, Struct
from edge.control.kinds.route_filters import RouteFilter


class ParentReference(Struct, frozen=True):
    """What a route attaches to."""

    name: str = ""
    namespace: str = ""
    """Empty: that of the route."""
    group: str = GROUP
    kind: str = "Gateway"
    section_name: str = ""
    """Name of the listener; empty: all of them."""
    port: Integer = 0
    """Of the listener; 0: any."""


class PathMatch(Struct, frozen=True):
    """HTTPPathMatch."""

    type: str = "PathPrefix"
    value: str = "/"


class ValueMatch(Struct, frozen=True):
    """HTTPHeaderMatch and HTTPQueryParamMatch."""

    name: str = ""
    value: str = ""
    type: str = "Exact"


class RouteMatch(Struct, frozen=True):
    """What a request must have, all of it (HTTPRouteMatch)."""

    path: PathMatch = PathMatch()
    headers: tuple[ValueMatch, ...] = ()
    query_params: tuple[ValueMatch, ...] = ()
    method: str = ""


class BackendReference(Struct, frozen=True):
    """Where requests go (HTTPBackendRef)."""

    name: str = ""
    namespace: str = ""
    """Empty: that of the route."""
    group: str = ""
    kind: str = "Service"
    port: Integer = 0
    weight: Integer = 1
    filters: tuple[RouteFilter, ...] = ()


class RouteTimeouts(Struct, frozen=True):
    """HTTPRouteTimeouts: durations such as `500ms`; empty: none is given, `0s`: there is no limit."""

    request: str = ""
    backend_request: str = ""


class RouteRetry(Struct, frozen=True):
    """HTTPRouteRetry."""

    codes: tuple[Integer, ...] = ()
    attempts: Integer = 1
    """Attempts after the first one."""
    backoff: str = ""


class CookieConfig(Struct, frozen=True):
    """Of a session by a cookie."""

    lifetime_type: str = "Session"


class SessionPersistence(Struct, frozen=True):
    """How further requests of a client get to the same endpoint."""

    session_name: str = ""
    absolute_timeout: str = ""
    idle_timeout: str = ""
    type: str = "Cookie"
    cookie_config: CookieConfig = CookieConfig()


class RouteRule(Struct, frozen=True):
    """Matches, any of which is enough, and what is done with the requests."""

    name: str = ""
    matches: tuple[RouteMatch, ...] = (RouteMatch(),)
    filters: tuple[RouteFilter, ...] = ()
    backend_refs: tuple[BackendReference, ...] = ()
    timeouts: RouteTimeouts | None = None
    retry: RouteRetry | None = None
    session_persistence: SessionPersistence | None = None


class RouteSpec(Struct, frozen=True):
    """What an HTTPRoute asks for."""

    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[RouteRule, ...] = (RouteRule(),)


class HTTPRoute(Named, frozen=True):
    """Hosts, matches and the Services behind them."""

    kind = "HTTPRoute"
    api_version = VERSION
    spec: RouteSpec = RouteSpec()
