"""The filters of HTTPRoutes and GRPCRoutes, as typed structs.

Rules of this file: those of `edge.control.kinds.gateway`.

Source: Gateway API v1.6, apis/v1.
"""

from __future__ import annotations

from edge.control.kinds.objects import Integer, Struct


class Header(Struct, frozen=True):
    """A field with its value (HTTPHeader)."""

    name: str = ""
    value: str = ""


class HeaderFilter(Struct, frozen=True):
    """HTTPHeaderFilter."""

    set: tuple[Header, ...] = ()
    add: tuple[Header, ...] = ()
    remove: tuple[str, ...] = ()


class PathModifier(Struct, frozen=True):
    """HTTPPathModifier."""

    type: str = ""
    replace_full_path: str | None = None
    replace_prefix_match: str | None = None


class RedirectFilter(Struct, frozen=True):
    """HTTPRequestRedirectFilter."""

    scheme: str = ""
    hostname: str = ""
    path: PathModifier | None = None
    port: Integer = 0
    status_code: Integer = 302


class RewriteFilter(Struct, frozen=True):
    """HTTPURLRewriteFilter."""

    hostname: str = ""
    path: PathModifier | None = None


class CorsFilter(Struct, frozen=True):
    """HTTPCORSFilter."""

    allow_origins: tuple[str, ...] = ()
    allow_credentials: bool = False
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: Integer = 5


class Fraction(Struct, frozen=True):
    """A share of the requests."""

    numerator: Integer = 0
    denominator: Integer = 100


class MirrorBackend(Struct, frozen=True):
    """Where copies go (BackendObjectReference)."""

    name: str = ""
    namespace: str = ""
    """Empty: that of the route."""
    group: str = ""
    kind: str = "Service"
    port: Integer = 0


class MirrorFilter(Struct, frozen=True):
    """HTTPRequestMirrorFilter."""

    backend_ref: MirrorBackend = MirrorBackend()
    percent: Integer | None = None
    fraction: Fraction | None = None


class RouteFilter(Struct, frozen=True):
    """HTTPRouteFilter."""

    type: str = ""
    request_header_modifier: HeaderFilter | None = None
    response_header_modifier: HeaderFilter | None = None
    request_redirect: RedirectFilter | None = None
    url_rewrite: RewriteFilter | None = None
    cors: CorsFilter | None = None
    request_mirror: MirrorFilter | None = None
