"""The routes of the Gateway API beside HTTPRoute, as typed structs: GRPCRoute, TLSRoute, TCPRoute and UDPRoute.

Rules of this file: those of `edge.control.kinds.gateway`.

Source: Gateway API v1.6, apis/v1.
"""

from __future__ import annotations

from edge.control.kinds.gateway import VERSION
from edge.control.kinds.http_routes import BackendReference, HTTPRoute, ParentReference, SessionPersistence, ValueMatch
from edge.control.kinds.objects import Named, Struct
from edge.control.kinds.route_filters import RouteFilter


class MethodMatch(Struct, frozen=True):
    """GRPCMethodMatch: at least one of service and method is given."""

    type: str = "Exact"
    service: str = ""
    method: str = ""


class GRPCMatch(Struct, frozen=True):
    """What a call must have, all of it (GRPCRouteMatch)."""

    method: MethodMatch | None = None
    headers: tuple[ValueMatch, ...] = ()


class GRPCRule(Struct, frozen=True):
    """Matches, any of which is enough, and what is done with the calls."""

    name: str = ""
    matches: tuple[GRPCMatch, ...] = ()
    """None: all calls match."""
    filters: tuple[RouteFilter, ...] = ()
    backend_refs: tuple[BackendReference, ...] = ()
    session_persistence: SessionPersistence | None = None


class GRPCSpec(Struct, frozen=True):
    """What a GRPCRoute asks for."""

    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[GRPCRule, ...] = ()


class GRPCRoute(Named, frozen=True):
    """Hosts, services and methods of gRPC, and the Services behind them."""

    kind = "GRPCRoute"
    api_version = VERSION
    spec: GRPCSpec = GRPCSpec()


class StreamRule(Struct, frozen=True):
    """Where connections or datagrams go."""

    name: str = ""
    backend_refs: tuple[BackendReference, ...] = ()


class StreamSpec(Struct, frozen=True):
    """What a route without HTTP asks for."""

    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    """Server names, of a TLSRoute alone."""
    rules: tuple[StreamRule, ...] = ()


class TLSRoute(Named, frozen=True):
    """TLS connections by their server name."""

    kind = "TLSRoute"
    api_version = VERSION
    spec: StreamSpec = StreamSpec()


class TCPRoute(Named, frozen=True):
    """Connections by the listener that takes them."""

    kind = "TCPRoute"
    api_version = VERSION
    spec: StreamSpec = StreamSpec()


class UDPRoute(Named, frozen=True):
    """Datagrams by the listener that takes them."""

    kind = "UDPRoute"
    api_version = VERSION
    spec: StreamSpec = StreamSpec()


AnyStreamRoute = TLSRoute | TCPRoute | UDPRoute
AnyRoute = HTTPRoute | GRPCRoute | AnyStreamRoute
