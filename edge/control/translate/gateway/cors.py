"""The filter CORS (Gateway API, HTTPCORSFilter)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.table.policies import CorsFilter

if TYPE_CHECKING:
    from edge.control.kinds.route_filters import RouteFilter

TYPE: Final = "CORS"
OF_BACKENDS: Final = False


def read(one: RouteFilter, field: str, matched: str) -> CorsFilter:  # noqa: ARG001 - the signature of all filters
    """The policy that ONE at FIELD asks for, of a match with the path MATCHED."""
    asked = one.cors
    assert asked is not None  # noqa: S101 - `filters.faults` sees to it
    return CorsFilter(
        f"{field}.cors",
        origins=tuple(origin.lower() for origin in asked.allow_origins),
        methods=asked.allow_methods,
        headers=asked.allow_headers,
        expose=asked.expose_headers,
        credentials=asked.allow_credentials,
        max_age=asked.max_age,
    )
