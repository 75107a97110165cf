"""Access checks by address, User-Agent and Referer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import TEXT
from edge.control.translate.configmap.keys import group, routes
from edge.table import networks
from edge.table.patterns.matching import compile_pattern
from edge.table.policies import ClientBlocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Found, Key
    from edge.table.policies import AnyPolicy

_CLOSES: Final = "A list that cannot be read closes the routes (503)."
_EACH: Final = "An entry that cannot be read is left out, and the others hold."
KEYS: Final[tuple[Key, ...]] = (
    routes("denylist-source-range", remark=_CLOSES),
    routes("whitelist-source-range", remark=_CLOSES),
    group("block-cidrs", TEXT, _EACH),
    group("block-user-agents", TEXT, _EACH),
    group("block-referers", TEXT, _EACH),
)


def policies(found: Found) -> Iterator[AnyPolicy]:
    """One policy for all blocks."""
    cidrs = found.each("block-cidrs", networks.parse)
    agents, referers = (found.each(name, _check) for name in ("block-user-agents", "block-referers"))
    if cidrs or agents or referers:
        source = next(name for name in ("block-cidrs", "block-user-agents", "block-referers") if found.get(name))
        yield ClientBlocks(found.source(source), cidrs, agents, referers)


def _check(text: str) -> None:
    """Check that TEXT, if it is a regular expression after `~` or `~*`, can be used.

    Raises:
        PatternError: it cannot.
    """
    if text.startswith("~"):
        compile_pattern(text.removeprefix("~").removeprefix("*"), anchored=False)
