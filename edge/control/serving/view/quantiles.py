"""Latencies from the buckets of histograms, as Prometheus' `histogram_quantile` estimates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edge.table._counters import TIME_BUCKETS

if TYPE_CHECKING:
    from collections.abc import Sequence

ERRORS = 5
"""Class of the statuses that count as errors."""


class Measured(NamedTuple):
    """The requests of some time; None: there is nothing to measure."""

    rate: float | None = None
    """Requests per second."""
    error_ratio: float | None = None
    """Share of them that were answered 5xx."""
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    """Seconds."""


def quantile(share: float, counts: Sequence[int]) -> float | None:
    """The time that SHARE of the requests did not exceed; COUNTS by `TIME_BUCKETS` and above. None: there are none.

    Within a bucket requests are taken to be spread evenly; what is above the last bound counts as that bound.
    """
    rank = share * sum(counts)
    if not rank:
        return None
    below = 0
    start = 0.0
    for count, end in zip(counts, TIME_BUCKETS, strict=False):
        if count and below + count >= rank:
            return round(start + (end - start) * (rank - below) / count, 6)
        below += count
        start = end
    return TIME_BUCKETS[-1]


def measured(counts: Sequence[int], errors: int, seconds: float, *, others: int = 0) -> Measured:
    """The rates of COUNTS of requests within SECONDS, ERRORS of them 5xx; OTHERS: requests without a time."""
    number = sum(counts) + others
    return Measured(
        rate=round(number / seconds, 3),
        error_ratio=round(min(errors / number, 1.0), 6) if number else None,
        p50=quantile(0.5, counts),
        p95=quantile(0.95, counts),
        p99=quantile(0.99, counts),
    )
