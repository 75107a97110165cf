"""The rules for which the CRDs refuse filters of HTTPRoutes and GRPCRoutes.

Rules of this file: those of `edge.control.kinds.gateway_validation`.

Source: Gateway API v1.6, apis/v1, the kubebuilder and CEL rules of its types.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds import names
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.validation import fault_at, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.http_routes import BackendReference, RouteMatch
    from edge.control.kinds.route_filters import (
        CorsFilter,
        Header,
        HeaderFilter,
        MirrorBackend,
        MirrorFilter,
        PathModifier,
        RouteFilter,
    )


SETTINGS: Final = {
    "RequestHeaderModifier": "request_header_modifier",
    "ResponseHeaderModifier": "response_header_modifier",
    "RequestRedirect": "request_redirect",
    "URLRewrite": "url_rewrite",
    "CORS": "cors",
    "RequestMirror": "request_mirror",
}
"""Filters that are read, with the attribute of their settings."""
OTHER_FILTERS: Final = ("ExternalAuth", "ExtensionRef")
REPEATED: Final = "RequestMirror"
"""The filter of which a rule may have several."""
FIELDS: Final = {"URLRewrite": "urlRewrite", "CORS": "cors"}
"""Fields of filters that are not named by their type with a small letter."""
MODIFIERS: Final = {"ReplaceFullPath": "replaceFullPath", "ReplacePrefixMatch": "replacePrefixMatch"}
REDIRECTS: Final = (301, 302, 303, 307, 308)
SCHEMES: Final = ("http", "https")
_ORIGIN: Final = re.compile(r"\*|https?://(\*|(\*\.)?[A-Za-z0-9.-]+)(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://[A-Za-z0-9.-]+")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
PATH: Final = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")


def target(reference: BackendReference | MirrorBackend, field: str) -> Iterator[ObjectError]:
    """What is wrong with a reference to a backend."""
    if not reference.name:
        yield ObjectError(f"{field}.name", "required")
    if (reference.group, reference.kind) == ("", "Service") and not reference.port:
        yield ObjectError(f"{field}.port", "required for a Service")
    if reference.port:
        yield from fault_at(f"{field}.port", names.port_number_fault(reference.port))


def filters(given: Sequence[RouteFilter], field: str, matches: Sequence[RouteMatch]) -> Iterator[ObjectError]:
    """What is wrong with the filters that are GIVEN in a rule that has MATCHES."""
    types = [one.type for one in given]
    for number, one in enumerate(given):
        at = f"{field}[{number}]"
        yield from one_of(f"{at}.type", one.type, (*SETTINGS, *OTHER_FILTERS))
        if one.type in SETTINGS:
            yield from _settings(one, at, matches)
            if one.type != REPEATED and types.index(one.type) != number:
                yield ObjectError(f"{at}.type", f"{one.type} must not be repeated")
    if "RequestRedirect" in types and "URLRewrite" in types:
        yield ObjectError(field, "must not have both RequestRedirect and URLRewrite")


def missing(one: RouteFilter) -> str:
    """The field that the type of ONE, which is among `SETTINGS`, requires and that is not there; empty: it is there."""
    if getattr(one, SETTINGS[one.type]) is not None:
        return ""
    return FIELDS.get(one.type, one.type[0].lower() + one.type[1:])


def _settings(one: RouteFilter, field: str, matches: Sequence[RouteMatch]) -> Iterator[ObjectError]:
    if name := missing(one):
        yield ObjectError(f"{field}.{name}", f"required for type {one.type}")
        return
    if one.request_header_modifier is not None:
        yield from _headers(one.request_header_modifier, f"{field}.requestHeaderModifier")
    if one.response_header_modifier is not None:
        yield from _headers(one.response_header_modifier, f"{field}.responseHeaderModifier")
    if one.url_rewrite is not None:
        yield from _hostname(one.url_rewrite.hostname, f"{field}.urlRewrite.hostname")
        yield from _modifier(one.url_rewrite.path, f"{field}.urlRewrite.path", matches)
    if one.cors is not None:
        yield from _cors(one.cors, f"{field}.cors")
    if one.request_mirror is not None:
        yield from _mirror(one.request_mirror, f"{field}.requestMirror")
    if one.request_redirect is not None:
        redirect, at = one.request_redirect, f"{field}.requestRedirect"
        yield from _hostname(redirect.hostname, f"{at}.hostname")
        yield from _modifier(redirect.path, f"{at}.path", matches)
        if redirect.scheme:
            yield from one_of(f"{at}.scheme", redirect.scheme, SCHEMES)
        if redirect.port:
            yield from fault_at(f"{at}.port", names.port_number_fault(redirect.port))
        if redirect.status_code not in REDIRECTS:
            wanted = ", ".join(map(str, REDIRECTS))
            yield ObjectError(f"{at}.statusCode", f"{redirect.status_code} is not supported; one of {wanted}")


def _cors(cors: CorsFilter, field: str) -> Iterator[ObjectError]:
    for name, origin in ((f"{field}.allowOrigins[{number}]", one) for number, one in enumerate(cors.allow_origins)):
        if _ORIGIN.fullmatch(origin) is None:
            yield ObjectError(name, f'"{origin}" must be * or an origin such as https://*.example.com:8443')
    lists = (
        ("allowMethods", cors.allow_methods),
        ("allowHeaders", cors.allow_headers),
        ("exposeHeaders", cors.expose_headers),
    )
    for part, values in lists:
        for number, value in enumerate(values):
            yield from fault_at(f"{field}.{part}[{number}]", "" if value == "*" else names.token_fault(value))
        if "*" in values and len(values) > 1:
            yield ObjectError(f"{field}.{part}", "* must stand alone")
    if "*" in cors.allow_origins and len(cors.allow_origins) > 1:
        yield ObjectError(f"{field}.allowOrigins", "* must stand alone")
    if cors.max_age < 1:
        yield ObjectError(f"{field}.maxAge", f"{cors.max_age} must be 1 or more")


def _mirror(mirror: MirrorFilter, field: str) -> Iterator[ObjectError]:
    yield from target(mirror.backend_ref, f"{field}.backendRef")
    if mirror.percent is not None and mirror.fraction is not None:
        yield ObjectError(field, "must not have both percent and fraction")
    if mirror.percent is not None and not 0 <= mirror.percent <= 100:
        yield ObjectError(f"{field}.percent", f"{mirror.percent} must be between 0 and 100")
    if mirror.fraction is not None:
        numerator, denominator = mirror.fraction.numerator, mirror.fraction.denominator
        if denominator < 1:
            yield ObjectError(f"{field}.fraction.denominator", f"{denominator} must be 1 or more")
        if not 0 <= numerator <= denominator:
            yield ObjectError(f"{field}.fraction.numerator", f"{numerator} must be between 0 and the denominator")


def _hostname(name: str, field: str) -> Iterator[ObjectError]:
    if name:
        yield from fault_at(field, names.subdomain_fault(name))


def _modifier(path: PathModifier | None, field: str, matches: Sequence[RouteMatch]) -> Iterator[ObjectError]:
    if path is None:
        return
    yield from one_of(f"{field}.type", path.type, tuple(MODIFIERS))
    value = path.replace_full_path if path.type == "ReplaceFullPath" else path.replace_prefix_match
    if path.type in MODIFIERS:
        at = f"{field}.{MODIFIERS[path.type]}"
        if value is None:
            yield ObjectError(at, f"required for type {path.type}")
        elif value and PATH.fullmatch(value) is None:
            yield ObjectError(at, f'"{value}" must be a path; encode other characters with %')
    if path.type == "ReplacePrefixMatch" and (len(matches) != 1 or matches[0].path.type != "PathPrefix"):
        yield ObjectError(
            f"{field}.type", "ReplacePrefixMatch takes a rule with exactly one match, of path type PathPrefix"
        )


def _headers(one: HeaderFilter, field: str) -> Iterator[ObjectError]:
    for verb, headers in (("set", one.set), ("add", one.add)):
        for number, header in enumerate(headers):
            yield from _header(header, f"{field}.{verb}[{number}]")
    for number, name in enumerate(one.remove):
        yield from fault_at(f"{field}.remove[{number}]", names.token_fault(name))


def _header(header: Header, field: str) -> Iterator[ObjectError]:
    yield from fault_at(f"{field}.name", names.token_fault(header.name))
    if not header.value:
        yield ObjectError(f"{field}.value", "required")
    elif _CONTROLS.search(header.value):
        yield ObjectError(f"{field}.value", "must not contain line ends or other control characters")
