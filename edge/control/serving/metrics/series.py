"""The counters of routes, as families of metrics.

Rules of this file:
- There may be hundreds of thousands of lines. So a family is written in pieces of bounded size, by the compiled leaf,
  and Python does no more than name each series once.
- The GIL is released in between (`edge.control.serving.pacing`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, UnknownMetricFamily
from prometheus_client.utils import floatToGoString

from edge.control.serving.metrics import _text
from edge.control.serving.pacing import PIECE, REST, paced
from edge.table._counters import SIZE_BUCKETS, TIME_BUCKETS, Totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from edge.control.serving.metrics.definitions import Definition


class Words(NamedTuple):
    """The place of a histogram in a row."""

    first: int
    bounds: tuple[str, ...]
    """The values of `le`."""
    nanoseconds: bool
    """Whether the sum is in nanoseconds and exported in seconds; otherwise it is exported unchanged."""


_TIMES = (*map(floatToGoString, TIME_BUCKETS), "+Inf")
_SIZES = (*map(floatToGoString, SIZE_BUCKETS), "+Inf")
DURATION = Words(0, _TIMES, nanoseconds=True)
UPSTREAM = Words(len(_TIMES) + 1, _TIMES, nanoseconds=True)
RECEIVED = Words(2 * (len(_TIMES) + 1), _SIZES, nanoseconds=False)
SENT = Words(2 * (len(_TIMES) + 1) + len(_SIZES) + 1, _SIZES, nanoseconds=False)


class Groups:
    """Series with the same values of some labels, summed up."""

    def __init__(self, names: tuple[str, ...], constants: dict[str, str] | None = None) -> None:
        """NAMES: of the labels that distinguish groups; CONSTANTS: labels that all of them have."""
        self.totals = Totals()
        self.names = names
        self.constants = constants or {}
        self._rows: dict[tuple[str, ...], int] = {}
        self._texts: list[bytes] | None = None

    def add(self, values: tuple[str, ...], sums: Totals, row: int) -> None:
        """Add ROW of SUMS to the group with VALUES."""
        group = self._rows.get(values)
        if group is None:
            group = self._rows[values] = self.totals.row()
        self.totals.add(group, sums, row)

    def texts(self) -> list[bytes]:
        """The labels of each group, in the order of rows, as they stand between braces."""
        if self._texts is None:
            form = ",".join([f'{name}="{{}}"' for name in self.names])
            after = "".join(f',{name}="{_escape(value)}"' for name, value in self.constants.items())
            self._texts = [(form.format(*map(_escape, values)) + after).encode() for values in paced(self._rows)]
        return self._texts

    def labels(self) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
        """The labels and the words of each group."""
        for values, row in self._rows.items():
            yield dict(zip(self.names, values, strict=True)) | self.constants, self.totals.values(row)


class SeriesFamily:
    """One metric of many series."""

    def __init__(self, definition: Definition, groups: Groups, words: Words | None = None) -> None:
        """WORDS: of the histogram; None: the number of requests."""
        self.definition = definition
        self.groups = groups
        self.words = words

    def text(self, *, openmetrics: bool) -> Iterator[bytes]:
        """The lines of this metric."""
        definition, words = self.definition, self.words
        name, kind = definition.name, str(definition.kind)
        if openmetrics:
            kind = "unknown" if definition.bare else kind
            name = name.removesuffix("_total") if kind == "counter" else name
        yield f"# HELP {name} {definition.text}\n# TYPE {name} {kind}\n".encode()
        raw, texts, totals = definition.name.encode(), self.groups.texts(), self.groups.totals
        bounds = [bound.encode() for bound in words.bounds] if words is not None else []
        for start in range(0, len(texts), PIECE):
            piece = texts[start : start + PIECE]
            rows = list(range(start, start + len(piece)))
            if words is None:
                yield _text.counters(raw, totals, rows, piece)
            else:
                yield _text.histograms(raw, totals, rows, piece, words.first, bounds, words.nanoseconds)
            time.sleep(REST)

    def metric(self) -> Metric:
        """The same for the client library."""
        definition, words = self.definition, self.words
        if words is not None:
            return self._histogram(words)
        labels = list(self.groups.names) + list(self.groups.constants)
        family = UnknownMetricFamily if definition.bare else CounterMetricFamily
        metric: Metric = family(definition.name, definition.text, labels=labels)
        for values, row in self.groups.labels():
            metric.add_sample(definition.name, values, sum(row[: len(_TIMES)]))
        return metric

    def _histogram(self, words: Words) -> Metric:
        definition = self.definition
        labels = list(self.groups.names) + list(self.groups.constants)
        metric = HistogramMetricFamily(definition.name, definition.text, labels=labels)
        for values, row in self.groups.labels():
            numbers = row[words.first : words.first + len(words.bounds)]
            if not any(numbers):
                continue
            total = row[words.first + len(words.bounds)]
            buckets = [(bound, float(sum(numbers[: at + 1]))) for at, bound in enumerate(words.bounds)]
            metric.add_metric(list(values.values()), buckets, total / 1e9 if words.nanoseconds else total)
        return metric


def _escape(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        value = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value
