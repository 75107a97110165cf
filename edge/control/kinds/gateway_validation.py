"""What the CRDs of the Gateway API refuse an object for, in those parts that Edge reads.

Rules of this file:
- Values that a CRD takes and Edge does not support are no fault here: the translation reports them
  (`edge.control.translate.gateway`).

Source: Gateway API v1.6, apis/v1, the kubebuilder and CEL rules of its types.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds import durations, names
from edge.control.kinds.gateway import GROUP
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.validation import fault_at, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.backend_tls import BackendTLSPolicy
    from edge.control.kinds.gateway import (
        BackendReference,
        CorsFilter,
        Gateway,
        GatewayClass,
        GatewayTls,
        Header,
        HeaderFilter,
        HTTPRoute,
        Listener,
        MirrorBackend,
        MirrorFilter,
        ParentReference,
        PathModifier,
        ReferenceGrant,
        RouteFilter,
        RouteMatch,
        RouteRule,
        SessionPersistence,
        ValueMatch,
    )
    from edge.control.kinds.listener_sets import ListenerSet

MOST_LISTENERS: Final = 64
MOST_RULES: Final = 16
MOST_ATTEMPTS: Final = 1000
MOST_WEIGHT: Final = 1_000_000
PATH_TYPES: Final = ("Exact", "PathPrefix", "RegularExpression")
MATCH_TYPES: Final = ("Exact", "RegularExpression")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
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
"""The one that a rule may have several of."""
FIELDS: Final = {"URLRewrite": "urlRewrite", "CORS": "cors"}
"""Fields of filters that are not named by their type with a small letter."""
MODIFIERS: Final = {"ReplaceFullPath": "replaceFullPath", "ReplacePrefixMatch": "replacePrefixMatch"}
REDIRECTS: Final = (301, 302, 303, 307, 308)
SCHEMES: Final = ("http", "https")
_ORIGIN: Final = re.compile(r"\*|https?://(\*|(\*\.)?[A-Za-z0-9.-]+)(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://[A-Za-z0-9.-]+")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_|~`]{1,256}")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PATH: Final = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
_NOT_IN_A_PATH: Final = ("//", "/./", "/../", "%2f", "%2F", "#")
_NOT_AT_THE_END: Final = ("/..", "/.")


def gateway_class(one: GatewayClass) -> Iterator[ObjectError]:
    """What is wrong with a GatewayClass."""
    name = one.spec.controller_name
    yield from fault_at("spec.controllerName", names.controller_fault(name) if name else "required")


def gateway(one: Gateway) -> Iterator[ObjectError]:
    """What is wrong with a Gateway."""
    spec = one.spec
    if not spec.gateway_class_name:
        yield ObjectError("spec.gatewayClassName", "required")
    yield from _listeners(spec.listeners)
    origin = spec.allowed_listeners.namespaces.origin
    yield from one_of("spec.allowedListeners.namespaces.from", origin, ("All", "Same", "Selector", "None"))
    if spec.tls is not None:
        yield from _client_tls(spec.tls)


def listener_set(one: ListenerSet) -> Iterator[ObjectError]:
    """What is wrong with a ListenerSet."""
    parent = one.spec.parent_ref
    if not parent.name:
        yield ObjectError("spec.parentRef.name", "required")
    if (parent.group, parent.kind) != (GROUP, "Gateway"):
        yield ObjectError("spec.parentRef.kind", f"must be Gateway of {GROUP}")
    yield from _listeners(one.spec.listeners)


def _listeners(listeners: Sequence[Listener]) -> Iterator[ObjectError]:
    if not 0 < len(listeners) <= MOST_LISTENERS:
        yield ObjectError("spec.listeners", f"must have from 1 to {MOST_LISTENERS} listeners")
    seen: dict[object, int] = {}
    for number, listener in enumerate(listeners):
        field = f"spec.listeners[{number}]"
        yield from _listener(listener, field)
        if seen.setdefault(listener.name, number) != number:
            yield ObjectError(f"{field}.name", f'"{listener.name}" is used twice')
        place = (listener.port, listener.protocol, names.host_name(listener.hostname))
        if seen.setdefault(place, number) != number:
            yield ObjectError(field, "port, protocol and hostname together must be unique among the listeners")


def _listener(listener: Listener, field: str) -> Iterator[ObjectError]:
    yield from fault_at(f"{field}.name", names.subdomain_fault(listener.name) if listener.name else "required")
    yield from fault_at(f"{field}.port", names.port_number_fault(listener.port))
    if not listener.protocol:
        yield ObjectError(f"{field}.protocol", "required")
    if listener.hostname:
        yield from fault_at(f"{field}.hostname", names.host_fault(names.host_name(listener.hostname)))
    if listener.protocol == "HTTP" and listener.tls is not None:
        yield ObjectError(f"{field}.tls", "must not be there for protocol HTTP")
    if listener.protocol == "HTTPS" and (listener.tls is None or listener.tls.mode != "Terminate"):
        yield ObjectError(f"{field}.tls", "must be there with mode Terminate for protocol HTTPS")
    if listener.protocol == "TLS" and listener.tls is None:
        yield ObjectError(f"{field}.tls", "must be there for protocol TLS")
    if listener.protocol in ("TCP", "UDP") and (listener.tls is not None or listener.hostname):
        yield ObjectError(field, f"must have neither tls nor hostname for protocol {listener.protocol}")
    if listener.tls is not None:
        if listener.tls.mode == "Terminate" and not listener.tls.certificate_refs:
            yield ObjectError(f"{field}.tls.certificateRefs", "required for mode Terminate")
        for number, reference in enumerate(listener.tls.certificate_refs):
            if not reference.name:
                yield ObjectError(f"{field}.tls.certificateRefs[{number}].name", "required")
    origin = listener.allowed_routes.namespaces.origin
    yield from one_of(f"{field}.allowedRoutes.namespaces.from", origin, ("All", "Same", "Selector", "None"))


def route(one: HTTPRoute) -> Iterator[ObjectError]:
    """What is wrong with an HTTPRoute."""
    yield from parents(one.spec.parent_refs)
    for number, name in enumerate(one.spec.hostnames):
        yield from fault_at(
            f"spec.hostnames[{number}]", names.host_fault(names.host_name(name)) if name else "required"
        )
    if len(one.spec.rules) > MOST_RULES:
        yield ObjectError(
            "spec.rules", f"must have no more than {MOST_RULES} rules; split them over several HTTPRoutes"
        )
    for number, rule in enumerate(one.spec.rules):
        yield from _rule(rule, f"spec.rules[{number}]")


def parents(references: Sequence[ParentReference]) -> Iterator[ObjectError]:
    """What is wrong with the parents of a route."""
    for number, parent in enumerate(references):
        if not parent.name:
            yield ObjectError(f"spec.parentRefs[{number}].name", "required")


def _rule(rule: RouteRule, field: str) -> Iterator[ObjectError]:
    for number, match in enumerate(rule.matches):
        yield from _match(match, f"{field}.matches[{number}]")
    yield from filters(rule.filters, f"{field}.filters", rule.matches)
    for number, reference in enumerate(rule.backend_refs):
        yield from backend(reference, f"{field}.backendRefs[{number}]", rule.matches)
    yield from _patience(rule, field)
    if rule.session_persistence is not None:
        yield from session(rule.session_persistence, f"{field}.sessionPersistence")
    if rule.backend_refs and any(one.type == "RequestRedirect" for one in rule.filters):
        yield ObjectError(f"{field}.backendRefs", "must not be there beside the filter RequestRedirect")


def _target(reference: BackendReference | MirrorBackend, field: str) -> Iterator[ObjectError]:
    if not reference.name:
        yield ObjectError(f"{field}.name", "required")
    if (reference.group, reference.kind) == ("", "Service") and not reference.port:
        yield ObjectError(f"{field}.port", "required for a Service")
    if reference.port:
        yield from fault_at(f"{field}.port", names.port_number_fault(reference.port))


def backend(reference: BackendReference, field: str, matches: Sequence[RouteMatch]) -> Iterator[ObjectError]:
    """What is wrong with a backend of a rule that has MATCHES."""
    yield from _target(reference, field)
    if not 0 <= reference.weight <= MOST_WEIGHT:
        yield ObjectError(f"{field}.weight", f"{reference.weight} must be between 0 and {MOST_WEIGHT}")
    yield from filters(reference.filters, f"{field}.filters", matches)


def _match(match: RouteMatch, field: str) -> Iterator[ObjectError]:
    path = match.path
    yield from one_of(f"{field}.path.type", path.type, PATH_TYPES)
    if path.type != "RegularExpression":
        yield from _path(path.value, f"{field}.path.value")
    if match.method:
        yield from one_of(f"{field}.method", match.method, METHODS)
    yield from values(match.headers, f"{field}.headers")
    yield from values(match.query_params, f"{field}.queryParams")


def _path(text: str, field: str) -> Iterator[ObjectError]:
    if not text.startswith("/"):
        yield ObjectError(field, f'"{text}" must begin with "/"')
    elif _PATH.fullmatch(text) is None:
        yield ObjectError(field, f'"{text}" must be a path; encode other characters with %')
    for part in _NOT_IN_A_PATH:
        if part in text:
            yield ObjectError(field, f'"{text}" must not contain "{part}"')
    for part in _NOT_AT_THE_END:
        if text.endswith(part):
            yield ObjectError(field, f'"{text}" must not end with "{part}"')


def values(matches: Sequence[ValueMatch], field: str) -> Iterator[ObjectError]:
    """What is wrong with matches of fields or query parameters."""
    for number, one in enumerate(matches):
        yield from one_of(f"{field}[{number}].type", one.type, MATCH_TYPES)
        yield from fault_at(f"{field}[{number}].name", _name_fault(one.name))
        if not one.value:
            yield ObjectError(f"{field}[{number}].value", "required")


def _name_fault(name: str) -> str:
    if not name:
        return "required"
    return "" if _TOKEN.fullmatch(name) else f'"{name}" must be a name of letters, digits and !#$%&\'*+-.^_|~`'


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


def _settings(one: RouteFilter, field: str, matches: Sequence[RouteMatch]) -> Iterator[ObjectError]:
    if getattr(one, SETTINGS[one.type]) is None:
        name = FIELDS.get(one.type, one.type[0].lower() + one.type[1:])
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
    names = (
        ("allowMethods", cors.allow_methods),
        ("allowHeaders", cors.allow_headers),
        ("exposeHeaders", cors.expose_headers),
    )
    for part, values in names:
        for number, value in enumerate(values):
            yield from fault_at(f"{field}.{part}[{number}]", "" if value == "*" else _name_fault(value))
        if "*" in values and len(values) > 1:
            yield ObjectError(f"{field}.{part}", "* must stand alone")
    if "*" in cors.allow_origins and len(cors.allow_origins) > 1:
        yield ObjectError(f"{field}.allowOrigins", "* must stand alone")
    if cors.max_age < 1:
        yield ObjectError(f"{field}.maxAge", f"{cors.max_age} must be 1 or more")


def _mirror(mirror: MirrorFilter, field: str) -> Iterator[ObjectError]:
    yield from _target(mirror.backend_ref, f"{field}.backendRef")
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


def session(one: SessionPersistence, field: str) -> Iterator[ObjectError]:
    """What is wrong with the sessions of a rule."""
    yield from one_of(f"{field}.type", one.type, ("Cookie", "Header"))
    yield from one_of(f"{field}.cookieConfig.lifetimeType", one.cookie_config.lifetime_type, ("Session", "Permanent"))
    if one.session_name:
        yield from fault_at(f"{field}.sessionName", _name_fault(one.session_name))
    for name, text in (("absoluteTimeout", one.absolute_timeout), ("idleTimeout", one.idle_timeout)):
        if text and durations.FORM.fullmatch(text) is None:
            yield ObjectError(f"{field}.{name}", f'"{text}" must be a duration such as 1h30m')
    if one.cookie_config.lifetime_type == "Permanent" and not one.absolute_timeout:
        yield ObjectError(f"{field}.absoluteTimeout", "required for cookies with lifetimeType Permanent")


def _patience(rule: RouteRule, field: str) -> Iterator[ObjectError]:
    """What is wrong with the time-outs and retries of RULE."""
    if rule.timeouts is not None:
        given = {"request": rule.timeouts.request, "backendRequest": rule.timeouts.backend_request}
        for name, text in given.items():
            if text and durations.FORM.fullmatch(text) is None:
                yield ObjectError(f"{field}.timeouts.{name}", f'"{text}" must be a duration such as 500ms or 1m30s')
                return
        request, attempt = (durations.seconds(text) for text in given.values())
        if request and attempt and attempt > request:
            yield ObjectError(f"{field}.timeouts.backendRequest", "must not be longer than timeouts.request")
    if rule.retry is not None:
        for number, code in enumerate(rule.retry.codes):
            if not 400 <= code <= 599:
                yield ObjectError(f"{field}.retry.codes[{number}]", f"{code} must be between 400 and 599")
        if not 0 <= rule.retry.attempts <= MOST_ATTEMPTS:
            yield ObjectError(f"{field}.retry.attempts", f"{rule.retry.attempts} must be between 0 and {MOST_ATTEMPTS}")
        if rule.retry.backoff and durations.FORM.fullmatch(rule.retry.backoff) is None:
            yield ObjectError(f"{field}.retry.backoff", f'"{rule.retry.backoff}" must be a duration such as 100ms')


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
        elif value and _PATH.fullmatch(value) is None:
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
        yield from fault_at(f"{field}.remove[{number}]", _name_fault(name))


def _header(header: Header, field: str) -> Iterator[ObjectError]:
    yield from fault_at(f"{field}.name", _name_fault(header.name))
    if not header.value:
        yield ObjectError(f"{field}.value", "required")
    elif _CONTROLS.search(header.value):
        yield ObjectError(f"{field}.value", "must not contain line ends or other control characters")


def _client_tls(tls: GatewayTls) -> Iterator[ObjectError]:
    """What is wrong with the verification of clients."""
    if tls.frontend is None:
        return
    asked = [("spec.tls.frontend.default.validation", tls.frontend.default.validation)]
    ports: set[int] = set()
    for number, one in enumerate(tls.frontend.per_port):
        field = f"spec.tls.frontend.perPort[{number}]"
        yield from fault_at(f"{field}.port", names.port_number_fault(one.port))
        if one.port in ports:
            yield ObjectError(f"{field}.port", f"{one.port} is there twice")
        ports.add(one.port)
        asked.append((f"{field}.tls.validation", one.tls.validation))
    for field, validation in asked:
        if validation is not None:
            yield from one_of(f"{field}.mode", validation.mode, ("AllowValidOnly", "AllowInsecureFallback"))
            if not validation.ca_certificate_refs:
                yield ObjectError(f"{field}.caCertificateRefs", "required")


def backend_tls_policy(one: BackendTLSPolicy) -> Iterator[ObjectError]:
    """What is wrong with a BackendTLSPolicy."""
    if not one.spec.target_refs:
        yield ObjectError("spec.targetRefs", "required")
    for number, target in enumerate(one.spec.target_refs):
        for part, value in (("kind", target.kind), ("name", target.name)):
            if not value:
                yield ObjectError(f"spec.targetRefs[{number}].{part}", "required")
    validation, field = one.spec.validation, "spec.validation"
    yield from fault_at(
        f"{field}.hostname", names.subdomain_fault(validation.hostname) if validation.hostname else "required"
    )
    if bool(validation.ca_certificate_refs) == bool(validation.well_known):
        yield ObjectError(field, "must have either caCertificateRefs or wellKnownCACertificates")
    if validation.well_known:
        yield from one_of(f"{field}.wellKnownCACertificates", validation.well_known, ("System",))
    for number, name in enumerate(validation.subject_alt_names):
        at = f"{field}.subjectAltNames[{number}]"
        yield from one_of(f"{at}.type", name.type, ("Hostname", "URI"))
        if (name.type == "Hostname") != bool(name.hostname) or (name.type == "URI") != bool(name.uri):
            yield ObjectError(at, "must have hostname with type Hostname, and uri with type URI")


def grant(one: ReferenceGrant) -> Iterator[ObjectError]:
    """What is wrong with a ReferenceGrant."""
    for name, entries in (("from", one.spec.sources), ("to", one.spec.to)):
        if not entries:
            yield ObjectError(f"spec.{name}", "required")
    for number, source in enumerate(one.spec.sources):
        for part, value in (("kind", source.kind), ("namespace", source.namespace)):
            if not value:
                yield ObjectError(f"spec.from[{number}].{part}", "required")
    for number, target in enumerate(one.spec.to):
        if not target.kind:
            yield ObjectError(f"spec.to[{number}].kind", "required")
