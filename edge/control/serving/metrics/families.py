"""From definitions and numbers to families of the client library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, UnknownMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from edge.control.serving.metrics.definitions import Definition
    from edge.control.serving.metrics.series import SeriesFamily

    Family = Metric | SeriesFamily
    Values = tuple[str, ...]


_KINDS = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "unknown": UnknownMetricFamily}


def one(definition: Definition, value: float) -> Metric:
    """The metric without labels."""
    return many(definition, [((), value)])


def many(definition: Definition, samples: Iterable[tuple[Values, float]]) -> Metric:
    """The metric with a sample for each of the values of its labels."""
    metric: Any = _KINDS["unknown" if definition.bare else definition.kind](
        definition.name, definition.text, labels=definition.labels
    )
    for values, value in samples:
        if len(values) != len(definition.labels):
            raise ValueError(f"{definition.name}: {len(values)} values for {len(definition.labels)} labels")
        metric.add_metric(values, value)
    return metric  # type: ignore[no-any-return]  # the library's families have no common base that can add
