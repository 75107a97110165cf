"""The filter RequestRedirect (Gateway API, HTTPRequestRedirectFilter)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.gateway.path_modifier import path_change
from edge.table.policies import Redirect

if TYPE_CHECKING:
    from edge.control.kinds.route_filters import RouteFilter

TYPE: Final = "RequestRedirect"
OF_BACKENDS: Final = True


def read(one: RouteFilter, field: str, matched: str) -> Redirect:
    """The policy that ONE at FIELD asks for, of a match with the path MATCHED."""
    asked = one.request_redirect
    assert asked is not None  # noqa: S101 - `filters.faults` sees to it
    path = path_change(asked.path, matched)
    return Redirect(f"{field}.requestRedirect", asked.status_code, asked.scheme, asked.hostname, asked.port, path)
