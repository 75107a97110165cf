"""Endpoints by a key: upstream-hash-by and its -subset and -subset-size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table import templates, variables
from edge.table.policies.hash_by import HashBy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_KEY: Final = "upstream-hash-by"
_SUBSET: Final = "upstream-hash-by-subset"
_SIZE: Final = "upstream-hash-by-subset-size"
NAMES: Final = frozenset({_KEY, _SUBSET, _SIZE})
DEFAULT_SIZE: Final = 3
DIFFERENCES: Final = {
    _KEY: (
        "Has the variables of [requests](#variables); ingress-nginx has all of nginx's. Holds for the paths of its "
        "Ingress, and an endpoint that fails hands its keys to the next one."
    ),
    _SUBSET: "Each key has endpoints of its own; ingress-nginx has fixed groups, which all change with the endpoints.",
}
"""How Edge differs from ingress-nginx, by annotation."""
_TEXT: Final = re.compile(r"[A-Za-z0-9_${}-]+")


def read(values: Values) -> Iterator[Wanted]:
    """A text with variables asks for it."""
    wanted = "a text of letters, digits, - and _ with no variable but those of a request"
    key = values.parsed(_KEY, wanted, _template, "")
    subset = values.boolean(_SUBSET)
    size = values.integer(_SIZE, DEFAULT_SIZE) or DEFAULT_SIZE
    if key:
        yield Wanted(HashBy(values.source(_KEY), key, size if subset else 1))


def _template(text: str) -> str | None:
    try:
        return templates.parse(text, variables.REQUEST).text if _TEXT.fullmatch(text) else None
    except templates.TemplateError:
        return None
