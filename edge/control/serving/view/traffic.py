"""Rates and latencies of single routes, measured between two readings of the counters of routes.

Rules of this file:
- Nothing is read without a request, so the first answer has no rates.
- Two or three readings are kept, so that the time between the oldest and the newest is up to LONGEST, whatever the time
  between two requests is.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from edge.control.serving.view.quantiles import ERRORS, Measured, measured
from edge.table._counters import TIME_BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.table.counter_layout import RouteLabels, SeriesKey
    from edge.table.counters import CountersReader
    from edge.table.counters_reader import SeriesSums

SHORTEST = 1.0
"""Seconds for which a reading is used for further requests."""
LONGEST = 10.0
FORGOTTEN = 30.0
"""Seconds without a request after which earlier readings are dropped."""
_TIMES = len(TIME_BUCKETS) + 1


class _Reading(NamedTuple):
    at: float
    sums: SeriesSums


class Span(NamedTuple):
    """Two readings, and the series by the labels of their route."""

    before: _Reading | None
    now: _Reading
    rows: dict[RouteLabels, list[int]]

    @property
    def seconds(self) -> float | None:
        """Seconds between the two; None: there is only one."""
        return round(self.now.at - self.before.at, 3) if self.before is not None else None

    def measured(self, labels: Iterable[RouteLabels]) -> Measured:
        """The requests of routes with one of LABELS."""
        if self.before is None:
            return Measured()
        counts, errors = [0] * _TIMES, 0
        for row in self._rows(labels):
            found = self._times(row)
            counts = [sum(pair) for pair in zip(counts, found, strict=True)]
            errors += sum(found) if self.now.sums.keys[row].status // 100 == ERRORS else 0
        return measured(counts, errors, self.now.at - self.before.at)

    def series(self, labels: Iterable[RouteLabels]) -> Iterator[tuple[SeriesKey, int, float | None]]:
        """Each series of routes with one of LABELS: key, requests so far, requests per second."""
        for row in self._rows(labels):
            total = self.now.sums.totals.requests(row)
            rate = None
            if self.before is not None:
                rate = round(sum(self._times(row)) / (self.now.at - self.before.at), 3)
            yield self.now.sums.keys[row], total, rate

    def busy(self) -> Iterator[tuple[SeriesKey, int, float]]:
        """The series that had requests between the two readings: key, number of requests, their p99."""
        if self.before is None:
            return
        keys = self.now.sums.keys
        for row, number, p99 in self.now.sums.totals.since(self.before.sums.totals, self._known(), 0.99):
            if row < len(keys):
                yield keys[row], number, p99

    def _rows(self, labels: Iterable[RouteLabels]) -> Iterator[int]:
        known = len(self.now.sums.keys)  # a later reading may have added rows
        for one in labels:
            yield from (row for row in self.rows.get(one, ()) if row < known)

    def _known(self) -> int:
        """Number of rows that mean the same in both readings."""
        if self.before is None:
            return 0
        before, now = self.before.sums.keys, self.now.sums.keys
        return len(before) if before and len(before) <= len(now) and now[len(before) - 1] is before[-1] else 0

    def _times(self, row: int) -> list[int]:
        """Requests of ROW between the two readings, by bucket."""
        new = self.now.sums.totals.values(row)[:_TIMES]
        if self.before is None or row >= self._known():
            return list(new)
        old = self.before.sums.totals.values(row)[:_TIMES]
        return [max(after - earlier, 0) for earlier, after in zip(old, new, strict=True)]


class Traffic:
    """Readings of READER; any thread may call this."""

    def __init__(self, reader: CountersReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._readings: list[_Reading] = []
        """Oldest first, at most three."""
        self._rows: dict[RouteLabels, list[int]] = {}
        self._keys: list[SeriesKey] = []

    def span(self) -> Span:
        """The newest reading, and the one before it that it is compared with."""
        with self._lock:
            now = time.monotonic()
            if self._readings and now - self._readings[-1].at > FORGOTTEN:
                self._readings.clear()
            if not self._readings or now - self._readings[-1].at >= SHORTEST:
                self._take(now)
            readings = self._readings
            return Span(readings[0] if len(readings) > 1 else None, readings[-1], self._rows)

    def _take(self, now: float) -> None:
        fresh = _Reading(now, self._reader.series())
        self._index(fresh.sums.keys)
        readings = self._readings
        if len(readings) == 3:
            # The middle one becomes the oldest as soon as it is old enough.
            del readings[0 if now - readings[1].at >= LONGEST / 2 else 2]
            if len(readings) == 2 and now - readings[0].at > LONGEST:
                del readings[0]
        readings.append(fresh)

    def _index(self, keys: list[SeriesKey]) -> None:
        """Have `_rows` say of all KEYS where they are."""
        old = self._keys
        if old and not (len(old) <= len(keys) and keys[len(old) - 1] is old[-1]):
            self._rows, old = {}, []
        rows = self._rows
        for row in range(len(old), len(keys)):
            rows.setdefault(keys[row].labels, []).append(row)
        self._keys = keys
