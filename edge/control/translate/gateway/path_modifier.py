"""Changes of the path by redirects and rewrites (Gateway API, HTTPPathModifier)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.policies.path_change import PathChange

if TYPE_CHECKING:
    from edge.control.kinds.route_filters import PathModifier


def path_change(modifier: PathModifier | None, matched: str) -> PathChange | None:
    """What MODIFIER does to paths under the prefix MATCHED."""
    if modifier is None:
        return None
    if modifier.type == "ReplaceFullPath":
        return PathChange(_path(modifier.replace_full_path))
    return PathChange(_path(modifier.replace_prefix_match), matched)


def _path(text: str | None) -> str:
    return text if text and text.startswith("/") else f"/{text or ''}"
