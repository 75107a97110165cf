"""Changes of paths, for redirects and rewrites."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.table.paths import normalise_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.table.policies.path_change import PathChange

TARGET: Final = re.compile(rb"/[!-\"$->@-~]*")
"""Bytes of a path in a request target."""


def path_change(change: PathChange) -> Callable[[bytes], bytes]:
    """What gives a target (origin form) with CHANGE made to its path; the query stays.

    A prefix is replaced by whole elements (Gateway API, ReplacePrefixMatch): `/v1` for `/api` makes `/v1/a` of `/api/a`
    and `/v1` of `/api`. Of a path that is not in normal form the normal form is changed, so that nothing in it leads
    out of what replaces the prefix.

    Raises:
        ValueError: the new path is none.
    """
    value = change.value.encode("ascii", "strict")
    if TARGET.fullmatch(value) is None:
        raise ValueError(f'"{change.value}" is not a path')
    size = len(change.prefix.encode().rstrip(b"/"))

    def whole(target: bytes) -> bytes:
        _, mark, query = target.partition(b"?")
        return value + mark + query

    def prefix(target: bytes) -> bytes:
        path, mark, query = target.partition(b"?")
        rest = normalise_bytes(path)[size:]
        new = value.rstrip(b"/") if rest.startswith(b"/") or not rest else value
        return (new + rest or b"/") + mark + query

    return prefix if change.prefix else whole
