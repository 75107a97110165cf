"""Which series are shown, and under which labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.serving.metrics import definitions as ours
from edge.control.serving.metrics import nginx_definitions as theirs
from edge.control.serving.metrics.series import DURATION, RECEIVED, SENT, UPSTREAM, Groups, SeriesFamily
from edge.control.serving.pacing import paced
from edge.table.counter_layout import OTHER, RouteLabels, backends_of, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.publishing.state import State
    from edge.control.serving.metrics.families import Family, Values
    from edge.settings import Settings
    from edge.table.counter_layout import SeriesKey
    from edge.table.counters_reader import SeriesSums

Shown = list[tuple["SeriesKey", int]]
"""Series and their rows."""


def existing(state: State) -> set[RouteLabels] | None:
    """The routes of the table; None when the table is another control plane's, which had its own reasons."""
    if not state.own_table:
        return None
    found = {OTHER}
    for host in paced(state.hosts()):
        routes = host.routes if host.default is None else (*host.routes, host.default)
        for route in routes:
            found.update(labels_of(host.name, route, one) for one in backends_of(route))
    default = state.shared().default
    if default is not None:
        found.update(labels_of("", default, backend) for backend in default.backends)
    return found


def shown(sums: SeriesSums, exist: set[RouteLabels] | None) -> Shown:
    """The series of routes that EXIST."""
    return [(key, row) for key, row in paced(sums.items()) if exist is None or key.labels in exist]


def families(sums: SeriesSums, keys: Shown, settings: Settings) -> Iterator[Family]:
    """Our metrics of the series KEYS."""
    counts, histograms, calls = (Groups(one.labels) for one in (ours.REQUESTS, ours.DURATION, ours.CALLS))
    for key, row in paced(keys):
        labels = key.labels
        route = (labels.kind, labels.namespace, labels.ingress, labels.service)
        status_class = _class(key.status)
        status = status_class if settings.report_status_classes else str(key.status)
        counts.add((*route, key.method, status, status_class), sums.totals, row)
        histograms.add((*route, status_class), sums.totals, row)
        if key.grpc >= 0:
            calls.add((*route, str(key.grpc)), sums.totals, row)
    yield SeriesFamily(ours.REQUESTS, counts)
    yield SeriesFamily(ours.DURATION, histograms, DURATION)
    yield SeriesFamily(ours.UPSTREAM, histograms, UPSTREAM)
    yield SeriesFamily(ours.REQUEST_SIZE, histograms, RECEIVED)
    yield SeriesFamily(ours.RESPONSE_SIZE, histograms, SENT)
    yield SeriesFamily(ours.CALLS, calls)


def nginx_families(sums: SeriesSums, keys: Shown, settings: Settings, instance: Values) -> Iterator[Family]:
    """The same under the names of ingress-nginx; INSTANCE: values of the labels that all its metrics have.

    As there, a series with a host belongs to an Ingress: clients that probe hosts must not trigger alerts about errors.
    """
    excluded = {theirs.PREFIX + name for name in settings.exclude_socket_metrics}
    names = tuple(name for name in theirs.REQUEST if name != "host" or settings.metrics_per_host)
    groups = Groups(names, dict(zip(theirs.INSTANCE, instance, strict=True)))
    for key, row in paced(keys):
        labels = key.labels
        if settings.metrics_per_host and not labels.ingress:
            continue
        host = (labels.host,) if settings.metrics_per_host else ()
        status = _class(key.status) if settings.report_status_classes else str(key.status)
        route = (labels.namespace, labels.ingress, labels.service, *host, labels.path, labels.canary)
        groups.add((*route, key.method, status), sums.totals, row)
    words = (None, DURATION, UPSTREAM, RECEIVED, SENT)
    for definition, place in zip(theirs.SOCKET, words, strict=True):
        if definition.name not in excluded:
            yield SeriesFamily(definition, groups, place)


def _class(status: int) -> str:
    return f"{status // 100}xx"
