"""Changes of fields as both header modifiers ask for them (Gateway API, HTTPHeaderFilter)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.control.kinds.route_filters import HeaderFilter
    from edge.table.policies.headers import Fields

FRAMING: Final = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Fields that are Edge's own: they say where a message goes and where it ends (RFC 9110, RFC 9112)."""


def changes(asked: HeaderFilter) -> tuple[Fields, Fields, tuple[str, ...]]:
    """What is set, added and removed; of several with one name the first counts."""
    to_set = {one.name.lower(): (one.name, one.value.strip()) for one in reversed(asked.set)}
    to_add = {one.name.lower(): (one.name, one.value.strip()) for one in reversed(asked.add)}
    removed = tuple(dict.fromkeys(name.lower() for name in asked.remove))
    return tuple(reversed(to_set.values())), tuple(reversed(to_add.values())), removed


def forbidden(asked: HeaderFilter | None) -> str:
    """A field that ASKED changes and must not; empty: there is none."""
    if asked is None:
        return ""
    names = [*(one.name for one in (*asked.set, *asked.add)), *asked.remove]
    return next((name for name in names if name.lower() in FRAMING), "")
