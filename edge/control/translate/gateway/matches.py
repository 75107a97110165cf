"""What a match of an HTTPRoute demands of a request (Gateway API, HTTPRouteMatch)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, error
from edge.table.paths import normalise
from edge.table.records import Condition, Conditions, PathKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.gateway import RouteMatch, ValueMatch

KINDS: Final = {"Exact": PathKind.EXACT, "PathPrefix": PathKind.PREFIX}
"""Types of path matches that are supported."""


def path(match: RouteMatch) -> tuple[PathKind, str]:
    """How MATCH compares paths, and with what."""
    kind, text = KINDS[match.path.type], normalise(match.path.value)
    if kind is PathKind.PREFIX and text != "/":
        text = text.removesuffix("/")
    return kind, sys.intern(text)


def conditions(match: RouteMatch, scheme: str) -> Conditions | None:
    """What MATCH demands beside the path, of requests that come in SCHEME (empty: in any); None: nothing."""
    # Of several with one name the first counts; the names of fields are compared without regard to case.
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    for one in match.headers:
        headers.setdefault(one.name.lower(), one.value)
    for one in match.query_params:
        query.setdefault(one.name, one.value)
    demands = Conditions(
        match.method,
        tuple(Condition(name, value) for name, value in sorted(headers.items())),
        tuple(Condition(name, value) for name, value in sorted(query.items())),
        scheme,
    )
    return demands if demands != Conditions() else None


def unsupported(match: RouteMatch, field: str) -> Iterator[Problem]:
    """What of MATCH is not supported."""
    if match.path.type not in KINDS:
        yield _problem(f"{field}.path.type", "Exact or PathPrefix")
    yield from _of_values(match.headers, f"{field}.headers")
    yield from _of_values(match.query_params, f"{field}.queryParams")


def _of_values(values: Sequence[ValueMatch], field: str) -> Iterator[Problem]:
    for number, one in enumerate(values):
        if one.type != "Exact":
            yield _problem(f"{field}[{number}].type", "Exact")


def _problem(field: str, instead: str) -> Problem:
    message = f"RegularExpression is not supported, so the HTTPRoute is not served; use {instead}"
    return error("UnsupportedValue", field, message)
