"""Client addresses: denylist-source-range, allowlist-source-range and its older name whitelist-source-range.

If a list cannot be read, the routes of the Ingress are closed: without it clients might pass that it is meant to
refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.source_ranges import SourceRanges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_DENY: Final = "denylist-source-range"
_ALLOW: Final = ("allowlist-source-range", "whitelist-source-range")
NAMES: Final = frozenset({_DENY, *_ALLOW})
DIFFERENCES: Final = {
    **dict.fromkeys(
        ("denylist-source-range", "allowlist-source-range", "whitelist-source-range"),
        "A list that cannot be read closes the route (503).",
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """One policy for both lists."""
    allowing = values.set_one(*_ALLOW)
    deny, allow = values.networks(_DENY), values.networks(allowing)
    if deny is None or allow is None:
        name = _DENY if deny is None else allowing
        yield values.close(name, "the list of networks cannot be read")
    elif deny or allow:
        yield Wanted(SourceRanges(values.source(_DENY, allowing), deny, allow))
