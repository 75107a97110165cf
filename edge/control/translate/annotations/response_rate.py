"""The rate of responses: limit-rate and limit-rate-after, in kilobytes (1024 bytes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.response_buffering import is_on
from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.response_rate import ResponseRate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"limit-rate", "limit-rate-after"})


def read(values: Values) -> Iterator[Wanted]:
    """0 is no limit. Only buffered responses are limited, as in nginx: some manifests have a rate without effect."""
    rate, after = values.integer("limit-rate", 0), values.integer("limit-rate-after", 0)
    if rate and is_on(values):
        yield Wanted(ResponseRate(values.source("limit-rate"), rate << 10, after << 10))
    elif rate:
        values.warn("limit-rate", 'has no effect without proxy-buffering "on", as in ingress-nginx')
