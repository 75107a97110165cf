"""The size of request bodies: proxy-body-size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.body_limit import BodyLimit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"proxy-body-size"})
DIFFERENCES: Final = {
    "proxy-body-size": "Without it there is no limit; ingress-nginx has 1m.",
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """A size of 0 is no limit."""
    size = values.size("proxy-body-size", 0)
    if size:
        yield Wanted(BodyLimit(values.source("proxy-body-size"), size))
