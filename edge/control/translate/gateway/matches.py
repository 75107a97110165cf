"""The conditions of a match of an HTTPRoute (Gateway API, HTTPRouteMatch).

Rules of this file:
- A RegularExpression matches the whole path or value, as in Envoy; case counts.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, error
from edge.table.paths import normalise
from edge.table.patterns.matching import PatternError, compile_pattern
from edge.table.records import Condition, Conditions, PathKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.http_routes import PathMatch, RouteMatch, ValueMatch

KINDS: Final = {
    "Exact": PathKind.EXACT,
    "PathPrefix": PathKind.PREFIX,
    "RegularExpression": PathKind.REGEX,
}
"""Kinds of paths by the types of path matches."""
REGEX: Final = "RegularExpression"
VALUE_TYPES: Final = ("Exact", REGEX)
"""Types of matches of headers, of query parameters and of methods of gRPC."""


def path(match: RouteMatch) -> tuple[PathKind, str]:
    """How MATCH compares paths, and with what."""
    kind = KINDS[match.path.type or "PathPrefix"]  # an empty type stands for the default
    if kind is PathKind.REGEX:
        return kind, sys.intern(match.path.value)
    text = normalise(match.path.value)
    if kind is PathKind.PREFIX and text != "/":
        text = text.removesuffix("/")
    return kind, sys.intern(text)


def conditions(match: RouteMatch, scheme: str) -> Conditions | None:
    """What MATCH demands beside the path, of requests that come in SCHEME (empty: in any); None: nothing."""
    # Of several with one name the first counts; the names of fields are compared without regard to case.
    headers: dict[str, ValueMatch] = {}
    query: dict[str, ValueMatch] = {}
    for one in match.headers:
        headers.setdefault(one.name.lower(), one)
    for one in match.query_params:
        query.setdefault(one.name, one)
    demands = Conditions(match.method, _sorted(headers), _sorted(query), scheme)
    return demands if demands != Conditions() else None


def _sorted(wanted: dict[str, ValueMatch]) -> tuple[Condition, ...]:
    return tuple(Condition(name, one.value, one.type == REGEX) for name, one in sorted(wanted.items()))


def unsupported(match: RouteMatch, field: str) -> Iterator[Problem]:
    """What of MATCH at FIELD cannot be used: types that a later version of the API has, and regular expressions."""
    yield from comparison(match.path, f"{field}.path", tuple(KINDS))
    for name, values in (("headers", match.headers), ("queryParams", match.query_params)):
        for number, one in enumerate(values):
            yield from comparison(one, f"{field}.{name}[{number}]", VALUE_TYPES)


def comparison(
    one: PathMatch | ValueMatch, field: str, types: tuple[str, ...], *, value: str = ".value"
) -> Iterator[Problem]:
    """What of ONE at FIELD cannot be used, where TYPES are supported; VALUE: where below FIELD its value is."""
    if one.type == REGEX:
        yield from _judged(one.value, f"{field}{value}")
    elif one.type and one.type not in types:
        message = f'"{one.type}" is not supported, so the route is not served; supported are {", ".join(types)}'
        yield error("UnsupportedValue", f"{field}.type", message)


def _judged(text: str, field: str) -> Iterator[Problem]:
    try:
        compile_pattern(text, ignore_case=False, whole=True)
    except PatternError as fault:
        message = f'"{text}" cannot be used as a regular expression: {fault}; the route is not served'
        yield error("UnsupportedValue", field, message)
