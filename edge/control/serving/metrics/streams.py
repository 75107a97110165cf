"""The counters of streams: sessions by Service, with their bytes and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.serving.metrics import definitions as ours
from edge.control.serving.metrics.series import DURATION, RECEIVED, SENT, UPSTREAM, Groups, SeriesFamily
from edge.control.serving.pacing import paced
from edge.table.counter_layout import STREAMS, RouteLabels, stream_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.publishing.state import State
    from edge.control.serving.metrics.families import Family
    from edge.table.counter_layout import SeriesKey
    from edge.table.counters_reader import SeriesSums

Shown = list[tuple["SeriesKey", int]]
"""Series and their rows."""


def existing(state: State) -> set[RouteLabels]:
    """The streams of the table."""
    return {
        stream_labels(key, stream, backend) for key, stream in state.streams().items() for backend in stream.backends
    }


def divided(keys: Shown) -> tuple[Shown, Shown]:
    """KEYS of routes, and those of streams."""
    routes: Shown = []
    streams: Shown = []
    for one in paced(keys):
        (streams if one[0].method in STREAMS else routes).append(one)
    return routes, streams


def families(sums: SeriesSums, keys: Shown) -> Iterator[Family]:
    """The metrics of the series KEYS."""
    groups = Groups(ours.SESSIONS.labels)
    for key, row in keys:
        labels = key.labels
        service = (labels.kind, labels.namespace, labels.ingress, labels.service)
        groups.add((*service, key.method, str(key.status)), sums.totals, row)
    yield SeriesFamily(ours.SESSIONS, groups)
    yield SeriesFamily(ours.SESSION_DURATION, groups, DURATION)
    yield SeriesFamily(ours.SESSION_CONNECT, groups, UPSTREAM)
    yield SeriesFamily(ours.SESSION_RECEIVED, groups, RECEIVED)
    yield SeriesFamily(ours.SESSION_SENT, groups, SENT)
