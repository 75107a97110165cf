"""All metrics of Edge, collected for each scrape."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector as ClientCollector

from edge.control.serving.metrics import routes, streams, workers
from edge.control.serving.metrics.plane import Plane
from edge.control.serving.metrics.series import SeriesFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric

    from edge.control.publishing.state import State
    from edge.control.serving.admission.reviews import Reviews
    from edge.control.serving.health import Health
    from edge.control.serving.metrics.families import Family
    from edge.settings import Settings
    from edge.table.counters import CountersReader


class Collector(ClientCollector):
    """Metrics of the control plane's STATE and of the counters that READER reads."""

    def __init__(
        self,
        state: State,
        reader: CountersReader,
        settings: Settings,
        health: Health,
        *,
        leads: Callable[[], bool] | None = None,
        reviews: Reviews | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """LEADS says whether this instance is the leader; None: there is no election. REVIEWS as for `Plane`."""
        self._state = state
        self._reader = reader
        self._settings = settings
        self._plane = Plane(state, settings, health, leads, reviews)
        pod = environment.get("POD_NAME") or socket.gethostname()
        self._instance = (environment.get("POD_NAMESPACE", ""), settings.controller_class, pod)

    def families(self) -> Iterator[Family]:
        """All metrics, those of routes as `SeriesFamily`."""
        processes = workers.Workers(self._reader.workers())
        yield from workers.families(processes, self._state.generation)
        yield from self._plane.families()
        sums = self._reader.series()
        exist = routes.existing(self._state)
        if exist is not None:
            exist |= streams.existing(self._state)
        keys, sessions = streams.divided(routes.shown(sums, exist))
        yield from routes.families(sums, keys, self._settings)
        yield from streams.families(sums, sessions)
        if self._settings.nginx_metrics:
            yield from workers.nginx_families(processes, self._instance)
            yield from self._plane.nginx_families(self._instance)
            yield from routes.nginx_families(sums, keys, self._settings, self._instance)

    def collect(self) -> Iterator[Metric]:
        """All metrics, for the client library."""
        for family in self.families():
            yield family.metric() if isinstance(family, SeriesFamily) else family
