"""The filters of a rule or of a backend as policies.

Rules of this file:
- A filter is never skipped. Where one cannot be applied there are no policies, only a problem, and the requests are
  answered 500 (Gateway API, HTTPRouteRule.filters).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, error
from edge.control.kinds.route_filters_validation import missing
from edge.control.translate.gateway import (
    cors,
    request_headers,
    request_redirect,
    response_headers,
    url_rewrite,
)
from edge.control.translate.gateway.header_modifier import forbidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.route_filters import RouteFilter
    from edge.table.policies import AnyPolicy

UNITS: Final = (cors, request_redirect, url_rewrite, request_headers, response_headers)
"""The filters that are policies. A new one is a module with TYPE, OF_BACKENDS and `read`, and an entry here."""
SUPPORTED: Final = {unit.TYPE: unit for unit in UNITS}
MIRROR: Final = "RequestMirror"
"""A filter of rules that is no policy (`request_mirror`)."""
ANSWER: Final = "its requests are answered 500"


def policies(filters: Sequence[RouteFilter], field: str, matched: str) -> tuple[AnyPolicy, ...]:
    """The policies that FILTERS, which have no faults, ask for at FIELD, of a match with the path MATCHED.

    Mirrors are none (`request_mirror`).
    """
    return tuple(
        SUPPORTED[one.type].read(one, f"{field}[{number}]", matched)
        for number, one in enumerate(filters)
        if one.type in SUPPORTED
    )


def faults(filters: Sequence[RouteFilter], field: str, *, of_backend: bool) -> Iterator[Problem]:
    """What of FILTERS at FIELD cannot be applied; OF_BACKEND: they are those of a backendRef, not of a rule."""
    whose = "backendRef" if of_backend else "rule"
    known = [unit.TYPE for unit in UNITS if unit.OF_BACKENDS or not of_backend]
    if not of_backend:
        known.append(MIRROR)
    for number, one in enumerate(filters):
        at = f"{field}[{number}]"
        if one.type not in known:
            message = f"{one.type} of a {whose} is not supported, so {ANSWER}; supported are {', '.join(known)}"
            yield error("UnsupportedFilter", f"{at}.type", message)
        elif name := missing(one):
            # An API server refuses it, unless its CRDs are older than the type or have been changed.
            yield error("UnsupportedFilter", f"{at}.{name}", f"required for type {one.type}, so {ANSWER}")
        elif name := forbidden(one.request_header_modifier) or forbidden(one.response_header_modifier):
            message = f"{name} must not be changed, so {ANSWER}; leave it out (URLRewrite changes Host)"
            yield error("UnsupportedFilter", at, message)
