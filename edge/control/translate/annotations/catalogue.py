"""The support of each annotation of ingress-nginx: for `edge check` and docs/migration.md.

Rules of this file:
- A unit's NAMES are honoured. Its DIFFERENCES, if it has any, are sentences for users of ingress-nginx.
- A refused annotation has a reason, and an alternative if there is one.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from edge.control.translate.annotations.names import INGRESS_NGINX, REFUSED
from edge.control.translate.annotations.policies import OTHERS, UNITS, WITHOUT_EFFECT

if TYPE_CHECKING:
    from types import ModuleType


class Support(Enum):
    """What Edge does with an annotation; the value is its name in docs and reports."""

    HONOURED = "honoured"
    DIFFERENT = "honoured with a difference"
    WITHOUT_EFFECT = "without effect"
    REFUSED = "refused"
    UNSUPPORTED = "not supported yet"
    UNKNOWN = "unknown"
    """ingress-nginx does not know it either."""


class Entry(NamedTuple):
    """One annotation. SUBJECT is what it is about, REMARK the difference or the reason: sentences, or nothing."""

    name: str
    support: Support
    subject: str
    remark: str


def catalogue() -> tuple[Entry, ...]:
    """All annotations of ingress-nginx: first those that are honoured, by unit."""
    found = [entry for unit in (*UNITS, *OTHERS) for entry in _of_unit(unit)]
    known = {entry.name for entry in found}
    return (*found, *(_other(name) for name in sorted(INGRESS_NGINX - known)))


def _of_unit(unit: ModuleType) -> list[Entry]:
    differences: dict[str, str] = getattr(unit, "DIFFERENCES", {})
    subject = _subject(unit)
    return [
        Entry(name, Support.DIFFERENT if name in differences else Support.HONOURED, subject, differences.get(name, ""))
        for name in sorted(unit.NAMES)
    ]


def _subject(unit: ModuleType) -> str:
    """The first words of UNIT's docstring, up to the names of its annotations."""
    first = (unit.__doc__ or "").partition("\n")[0]
    return first.partition(":")[0].rstrip(".")


def _other(name: str) -> Entry:
    if name in WITHOUT_EFFECT:
        return Entry(name, Support.WITHOUT_EFFECT, "", "Nothing that a client or an endpoint could see depends on it.")
    if name in REFUSED:
        return Entry(name, Support.REFUSED, "", REFUSED[name])
    return Entry(name, Support.UNSUPPORTED, "", "It is ignored, and reported.")
