"""Whether requests are logged: enable-access-log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.access_log import NoAccessLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"enable-access-log"})


def read(values: Values) -> Iterator[Wanted]:
    """Lines are written unless the value is false."""
    if values.boolean("enable-access-log", default=True) is False:
        yield Wanted(NoAccessLog(values.source("enable-access-log")))
