"""The size of request bodies: proxy-body-size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.body_limit import BodyLimit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"proxy-body-size"})


def read(values: Values) -> Iterator[Wanted]:
    """A size of 0 is no limit."""
    size = values.size("proxy-body-size", BodyLimit("").size)
    asked = BodyLimit(values.source("proxy-body-size"), size)
    if asked != BodyLimit(asked.source):
        yield Wanted(asked)
