"""Changes of paths, for redirects and rewrites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.paths import normalise_bytes

if TYPE_CHECKING:
    from edge.table.policies.path_change import PathChange


def changed_path(change: PathChange, target: bytes) -> bytes:
    """TARGET (origin form) with CHANGE made to its path; the query stays.

    A prefix is replaced by whole elements (Gateway API, ReplacePrefixMatch): `/v1` for `/api` makes `/v1/a` of `/api/a`
    and `/v1` of `/api`.
    """
    path, mark, query = target.partition(b"?")
    value = change.value.encode()
    if not change.prefix:
        return value + mark + query
    prefix = change.prefix.encode().rstrip(b"/")
    rest = path[len(prefix) :] if path.startswith(prefix) else normalise_bytes(path)[len(prefix) :]
    if rest.startswith(b"/") or not rest:
        value = value.rstrip(b"/")
    return (value + rest or b"/") + mark + query
