"""The filter URLRewrite (Gateway API, HTTPURLRewriteFilter)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.gateway.path_modifier import path_change
from edge.table.policies import Rewrite

if TYPE_CHECKING:
    from edge.control.kinds.route_filters import RouteFilter

TYPE: Final = "URLRewrite"
OF_BACKENDS: Final = True


def read(one: RouteFilter, field: str, matched: str) -> Rewrite:
    """The policy that ONE at FIELD asks for, of a match with the path MATCHED."""
    asked = one.url_rewrite
    assert asked is not None  # noqa: S101 - `filters.faults` sees to it
    return Rewrite(f"{field}.urlRewrite", asked.hostname, path_change(asked.path, matched))
