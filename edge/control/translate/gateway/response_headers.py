"""The filter ResponseHeaderModifier (Gateway API, HTTPHeaderFilter)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.gateway.header_modifier import changes
from edge.table.policies import ResponseHeaders

if TYPE_CHECKING:
    from edge.control.kinds.route_filters import RouteFilter

TYPE: Final = "ResponseHeaderModifier"
OF_BACKENDS: Final = True


def read(one: RouteFilter, field: str, matched: str) -> ResponseHeaders:  # noqa: ARG001 - the signature of all filters
    """The policy that ONE at FIELD asks for, of a match with the path MATCHED."""
    asked = one.response_header_modifier
    assert asked is not None  # noqa: S101 - `filters.faults` sees to it
    return ResponseHeaders(f"{field}.responseHeaderModifier", *changes(asked))
