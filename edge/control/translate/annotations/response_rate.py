"""The rate of responses: limit-rate and limit-rate-after, in kilobytes (1024 bytes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.response_rate import ResponseRate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"limit-rate", "limit-rate-after"})
DIFFERENCES: Final = {
    **dict.fromkeys(
        ("limit-rate", "limit-rate-after"), "Holds without `proxy-buffering` too, which ingress-nginx needs for it."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """0 is no limit."""
    rate, after = values.integer("limit-rate", 0), values.integer("limit-rate-after", 0)
    if rate:
        yield Wanted(ResponseRate(values.source("limit-rate"), rate << 10, after << 10))
