"""The rules for which the CRDs of GRPCRoute, TLSRoute, TCPRoute and UDPRoute refuse an object.

Rules of this file: those of `edge.control.kinds.gateway_validation`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds.http_route_validation import MATCH_TYPES, MOST_RULES, backend, parents, session, values
from edge.control.kinds.names import host_fault, host_name
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.route_filters_validation import filters
from edge.control.kinds.validation import fault_at, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.gateway_routes import AnyStreamRoute, GRPCMatch, GRPCRoute, GRPCRule

FILTERS: Final = ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef")
_SERVICE: Final = re.compile(r"[A-Za-z][A-Za-z_0-9]*(\.[A-Za-z][A-Za-z_0-9]*)*")
_METHOD: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def grpc_route(one: GRPCRoute) -> Iterator[ObjectError]:
    """What is wrong with a GRPCRoute."""
    yield from parents(one.spec.parent_refs)
    yield from _hostnames(one.spec.hostnames)
    if len(one.spec.rules) > MOST_RULES:
        yield ObjectError(
            "spec.rules", f"must have no more than {MOST_RULES} rules; split them over several GRPCRoutes"
        )
    for number, rule in enumerate(one.spec.rules):
        yield from _rule(rule, f"spec.rules[{number}]")


def _rule(rule: GRPCRule, field: str) -> Iterator[ObjectError]:
    for number, match in enumerate(rule.matches):
        yield from _match(match, f"{field}.matches[{number}]")
    for number, one in enumerate(rule.filters):
        yield from one_of(f"{field}.filters[{number}].type", one.type, FILTERS)
    yield from filters(rule.filters, f"{field}.filters", ())
    for number, reference in enumerate(rule.backend_refs):
        yield from backend(reference, f"{field}.backendRefs[{number}]", ())
    if rule.session_persistence is not None:
        yield from session(rule.session_persistence, f"{field}.sessionPersistence")


def _match(match: GRPCMatch, field: str) -> Iterator[ObjectError]:
    yield from values(match.headers, f"{field}.headers")
    asked, at = match.method, f"{field}.method"
    if asked is None:
        return
    yield from one_of(f"{at}.type", asked.type, MATCH_TYPES)
    if not asked.service and not asked.method:
        yield ObjectError(at, "must have service or method")
    if asked.type == "Exact":
        if asked.service and _SERVICE.fullmatch(asked.service) is None:
            yield ObjectError(f"{at}.service", f'"{asked.service}" must be the name of a service such as demo.Greeter')
        if asked.method and _METHOD.fullmatch(asked.method) is None:
            yield ObjectError(f"{at}.method", f'"{asked.method}" must be the name of a method such as SayHello')


def _hostnames(hostnames: tuple[str, ...]) -> Iterator[ObjectError]:
    for number, name in enumerate(hostnames):
        yield from fault_at(f"spec.hostnames[{number}]", host_fault(host_name(name)) if name else "required")


def tls_route(one: AnyStreamRoute) -> Iterator[ObjectError]:
    """What is wrong with a TLSRoute."""
    if not one.spec.hostnames:
        yield ObjectError("spec.hostnames", "required")
    yield from _hostnames(one.spec.hostnames)
    yield from stream_route(one)


def stream_route(one: AnyStreamRoute) -> Iterator[ObjectError]:
    """What is wrong with a TCPRoute or a UDPRoute."""
    yield from parents(one.spec.parent_refs)
    if len(one.spec.rules) != 1:
        yield ObjectError("spec.rules", "must have exactly one rule")
    for number, rule in enumerate(one.spec.rules):
        field = f"spec.rules[{number}].backendRefs"
        if not rule.backend_refs:
            yield ObjectError(field, "required")
        for index, reference in enumerate(rule.backend_refs):
            yield from backend(reference, f"{field}[{index}]", ())
