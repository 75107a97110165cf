"""`/api/overview`: the whole instance at a glance.

It is made every two seconds while there is a client of /api/events, so the results of a pass over all records are
cached until these change.
"""

from __future__ import annotations

import bisect
import os
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from edge import __version__
from edge.control.serving.view.quantiles import Measured
from edge.control.serving.view.samples import INTERVAL, Sample
from edge.table.counters import WorkerWord
from edge.table.records import Certificate, Host

if TYPE_CHECKING:
    from edge.control.publishing.state import State
    from edge.control.serving.health import Health
    from edge.control.serving.view.problems import Problems
    from edge.control.serving.view.samples import Samples
    from edge.table.counters import CountersReader
    from edge.table.counters_reader import Worker

SOON: Final = 21 * 86400.0
"""Seconds before its end from which on a certificate counts as ending."""
STATES: Final = {
    "active": WorkerWord.CONNECTIONS_ACTIVE,
    "reading": WorkerWord.CONNECTIONS_READING,
    "writing": WorkerWord.CONNECTIONS_WRITING,
    "waiting": WorkerWord.CONNECTIONS_WAITING,
    "upgraded": WorkerWord.CONNECTIONS_UPGRADED,
}
REQUESTS: Final = ("rate", "error_ratio", "p50", "p95", "p99")


class Overview:
    """Collects the state of each part of the control plane."""

    def __init__(
        self, state: State, reader: CountersReader, health: Health, samples: Samples, problems: Problems
    ) -> None:
        self._state = state
        self._reader = reader
        self._health = health
        self._samples = samples
        self._problems = problems
        self._instance = os.environ.get("POD_NAME") or socket.gethostname()
        self._counted = (-1, 0, 0)
        """Version of the routes, hosts and routes among them."""
        self._ends: tuple[int, list[float]] = (-1, [])
        """Version of the certificates, when they end."""

    def now(self) -> dict[str, Any]:
        """The state of the instance now, without samples."""
        state, verdict = self._state, self._health.ready()
        workers = self._reader.workers()
        alive = [worker for worker in workers if worker.alive]
        sample = self._samples.newest()
        measured = sample.requests if sample is not None else Measured()
        return {
            "version": __version__,
            "instance": self._instance,
            "now": round(time.time(), 3),
            "started": round(state.started, 3),
            "ready": verdict.well,
            "notes": list(verdict.lines),
            "table": self._table(),
            "requests": {name: getattr(measured, name) for name in REQUESTS},
            "connections": {name: sum(worker[word] for worker in alive) for name, word in STATES.items()},
            "workers": {
                "alive": len(alive),
                "restarts": sum(max(worker[WorkerWord.STARTS] - 1, 0) for worker in workers),
                "behind": sum(behind(worker, state.generation) > 0 for worker in alive),
            },
            "certificates": self._certificates(),
            "problems": self._problems.counts(),
        }

    def whole(self) -> dict[str, Any]:
        """The state of the instance, and the samples as columns."""
        samples = self._samples.all()
        columns = {name: [column(sample, name) for sample in samples] for name in COLUMNS}
        return {**self.now(), "samples": {"interval": INTERVAL, **columns}}

    def newest(self) -> dict[str, Any]:
        """The state of the instance, and the newest sample."""
        sample = self._samples.newest()
        shown = {name: column(sample, name) for name in COLUMNS} if sample is not None else None
        return {**self.now(), "sample": shown}

    def _table(self) -> dict[str, Any]:
        state = self._state
        version = state.version("routes")
        if self._counted[0] != version:
            hosts = state.hosts()
            self._counted = (version, len(hosts), sum(map(_routes, hosts)))
        _, hosts_number, routes = self._counted
        return {
            "generation": state.generation,
            "last_change": round(state.published, 3),
            "hosts": hosts_number,
            "routes": routes,
            "failure": state.failure,
        }

    def _certificates(self) -> dict[str, Any]:
        version = self._state.version("tls")
        if self._ends[0] != version:
            records = self._state.records("tls").values()
            self._ends = (version, sorted(one.not_after for one in records if isinstance(one, Certificate)))
        ends, now = self._ends[1], time.time()
        known = bisect.bisect_right(ends, 0.0)
        expired = bisect.bisect_right(ends, now)
        return {
            "total": len(ends),
            "ending": bisect.bisect_right(ends, now + SOON) - expired,
            "expired": expired - known,
            "next": ends[expired] if expired < len(ends) else None,
        }


def _routes(host: Host) -> int:
    return len(host.routes) + (host.default is not None)


def behind(worker: Worker, generation: int) -> int:
    """Generations by which WORKER is behind that of the newest table."""
    return max(generation - worker[WorkerWord.GENERATION], 0)


COLUMNS: Final = ("time", *REQUESTS, "connections", "cpu")
"""The columns of samples."""


def column(sample: Sample, name: str) -> Any:
    """The value of SAMPLE in the column NAME."""
    return getattr(sample.requests if name in REQUESTS else sample, name)
