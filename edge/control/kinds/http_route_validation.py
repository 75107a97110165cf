"""The rules for which the CRD of HTTPRoute refuses an object, and those that other routes have in common with it.

Rules of this file: those of `edge.control.kinds.gateway_validation`.

Source: Gateway API v1.6, apis/v1, the kubebuilder and CEL rules of its types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds import durations, names
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.route_filters_validation import PATH, filters, target
from edge.control.kinds.validation import fault_at, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.http_routes import (
        BackendReference,
        HTTPRoute,
        ParentReference,
        RouteMatch,
        RouteRule,
        SessionPersistence,
        ValueMatch,
    )


MOST_RULES: Final = 16
MOST_ATTEMPTS: Final = 1000
MOST_WEIGHT: Final = 1_000_000
PATH_TYPES: Final = ("Exact", "PathPrefix", "RegularExpression")
MATCH_TYPES: Final = ("Exact", "RegularExpression")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_NOT_IN_APATH: Final = ("//", "/./", "/../", "%2f", "%2F", "#")
_NOT_AT_THE_END: Final = ("/..", "/.")


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


def backend(reference: BackendReference, field: str, matches: Sequence[RouteMatch]) -> Iterator[ObjectError]:
    """What is wrong with a backend of a rule that has MATCHES."""
    yield from target(reference, field)
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
    elif PATH.fullmatch(text) is None:
        yield ObjectError(field, f'"{text}" must be a path; encode other characters with %')
    for part in _NOT_IN_APATH:
        if part in text:
            yield ObjectError(field, f'"{text}" must not contain "{part}"')
    for part in _NOT_AT_THE_END:
        if text.endswith(part):
            yield ObjectError(field, f'"{text}" must not end with "{part}"')


def values(matches: Sequence[ValueMatch], field: str) -> Iterator[ObjectError]:
    """What is wrong with matches of fields or query parameters."""
    for number, one in enumerate(matches):
        yield from one_of(f"{field}[{number}].type", one.type, MATCH_TYPES)
        yield from fault_at(f"{field}[{number}].name", names.token_fault(one.name))
        if not one.value:
            yield ObjectError(f"{field}[{number}].value", "required")


def session(one: SessionPersistence, field: str) -> Iterator[ObjectError]:
    """What is wrong with the sessions of a rule."""
    yield from one_of(f"{field}.type", one.type, ("Cookie", "Header"))
    yield from one_of(f"{field}.cookieConfig.lifetimeType", one.cookie_config.lifetime_type, ("Session", "Permanent"))
    if one.session_name:
        yield from fault_at(f"{field}.sessionName", names.token_fault(one.session_name))
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
