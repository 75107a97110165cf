"""Whether all checks of a client must be passed, or one of them: satisfy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.auth import SatisfyAny

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"satisfy"})


def read(values: Values) -> Iterator[Wanted]:
    """All, unless the value is `any`."""
    if values.choice("satisfy", {"any": True, "all": False}, False):
        yield Wanted(SatisfyAny(values.source("satisfy")))
