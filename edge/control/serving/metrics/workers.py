"""Metrics of the workers, read from their words (`WorkerWord`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.serving.metrics import definitions as ours
from edge.control.serving.metrics import nginx_definitions as theirs
from edge.control.serving.metrics.families import many, one
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.serving.metrics.definitions import Definition
    from edge.control.serving.metrics.families import Family, Values
    from edge.table.counters_reader import Worker

STATES = {
    "reading": WorkerWord.CONNECTIONS_READING,
    "writing": WorkerWord.CONNECTIONS_WRITING,
    "waiting": WorkerWord.CONNECTIONS_WAITING,
    "upgraded": WorkerWord.CONNECTIONS_UPGRADED,
}
SUMS: dict[Definition, WorkerWord] = {
    ours.UNMATCHED: WorkerWord.UNMATCHED,
    ours.BAD_REQUESTS: WorkerWord.BAD_REQUESTS,
    ours.CONNECTIONS_ACCEPTED: WorkerWord.CONNECTIONS_ACCEPTED,
    ours.CONNECTIONS_HANDLED: WorkerWord.CONNECTIONS_HANDLED,
    ours.CONNECTIONS_REFUSED: WorkerWord.CONNECTIONS_REFUSED,
    ours.RECEIVED: WorkerWord.BYTES_IN,
    ours.SENT: WorkerWord.BYTES_OUT,
    ours.DATAGRAMS_IN: WorkerWord.DATAGRAMS_IN,
    ours.DATAGRAMS_OUT: WorkerWord.DATAGRAMS_OUT,
    ours.DATAGRAMS_DROPPED: WorkerWord.DATAGRAMS_DROPPED,
    ours.HANDSHAKES: WorkerWord.HANDSHAKES,
    ours.RESUMED: WorkerWord.HANDSHAKES_RESUMED,
    ours.HANDSHAKE_FAILURES: WorkerWord.HANDSHAKE_FAILURES,
    ours.UPSTREAM_CONNECTIONS: WorkerWord.UPSTREAM_CONNECTIONS,
    ours.CONNECT_FAILURES: WorkerWord.UPSTREAM_CONNECT_FAILURES,
    ours.RETRIES: WorkerWord.RETRIES,
    ours.EJECTIONS: WorkerWord.EJECTIONS,
    ours.LOG_DROPPED: WorkerWord.ACCESS_LOG_DROPPED,
    ours.SERIES_FOLDED: WorkerWord.SERIES_FOLDED,
    ours.REFUSALS: WorkerWord.TABLE_REFUSALS,
}
"""Counters, of living and dead workers."""
LEVELS: dict[Definition, WorkerWord] = {
    ours.CONNECTIONS_ACTIVE: WorkerWord.CONNECTIONS_ACTIVE,
    ours.UPSTREAM_IDLE: WorkerWord.UPSTREAM_IDLE,
    ours.STREAMS_ACTIVE: WorkerWord.STREAMS_ACTIVE,
    ours.SESSIONS_ACTIVE: WorkerWord.SESSIONS_ACTIVE,
    ours.SERIES: WorkerWord.SERIES,
    ours.TEMPORARY_BYTES: WorkerWord.TEMPORARY_BYTES,
}
"""Gauges, of living workers."""


class Workers:
    """All workers at one moment."""

    def __init__(self, workers: list[Worker]) -> None:
        self.all = workers
        self.alive = [worker for worker in workers if worker.alive]

    def total(self, which: WorkerWord) -> int:
        """Sum of a counter."""
        return sum(worker[which] for worker in self.all)

    def level(self, which: WorkerWord) -> int:
        """Sum of a gauge."""
        return sum(worker[which] for worker in self.alive)


def families(workers: Workers, generation: int) -> Iterator[Family]:
    """Our metrics of WORKERS; GENERATION is that of the newest table."""
    for definition, which in SUMS.items():
        yield one(definition, workers.total(which))
    for definition, which in LEVELS.items():
        yield one(definition, workers.level(which))
    yield many(ours.CONNECTIONS, (((state,), workers.level(which)) for state, which in STATES.items()))
    yield one(ours.WORKERS, len(workers.alive))
    yield many(ours.RESTARTS, ((_slot(worker), max(worker[WorkerWord.STARTS] - 1, 0)) for worker in workers.all))
    alive = workers.alive
    yield many(ours.WORKER_STARTED, ((_slot(worker), worker[WorkerWord.STARTED] / 1e9) for worker in alive))
    yield many(ours.HEARTBEAT, ((_slot(worker), worker.silence) for worker in alive))
    yield many(ours.WORKER_CPU, ((_slot(worker), worker[WorkerWord.CPU_MICROSECONDS] / 1e6) for worker in alive))
    yield many(ours.WORKER_RESIDENT, ((_slot(worker), worker[WorkerWord.RESIDENT_BYTES]) for worker in alive))
    yield many(ours.WORKER_VIRTUAL, ((_slot(worker), worker[WorkerWord.VIRTUAL_BYTES]) for worker in alive))
    yield many(ours.WORKER_CONNECTIONS, ((_slot(worker), worker[WorkerWord.CONNECTIONS_ACTIVE]) for worker in alive))
    yield many(ours.WORKER_GENERATION, ((_slot(worker), worker[WorkerWord.GENERATION]) for worker in alive))
    lags = ((_slot(worker), max(generation - worker[WorkerWord.GENERATION], 0)) for worker in alive)
    yield many(ours.WORKER_LAG, lags)


def nginx_families(workers: Workers, instance: Values) -> Iterator[Family]:
    """The same under the names of ingress-nginx; INSTANCE: values of the labels that all its metrics have."""
    states = {
        "active": workers.level(WorkerWord.CONNECTIONS_ACTIVE),
        "reading": workers.level(WorkerWord.CONNECTIONS_READING),
        # nginx has no state for what is upgraded: its bytes are written.
        "writing": workers.level(WorkerWord.CONNECTIONS_WRITING) + workers.level(WorkerWord.CONNECTIONS_UPGRADED),
        "waiting": workers.level(WorkerWord.CONNECTIONS_WAITING),
    }
    totals = {"accepted": WorkerWord.CONNECTIONS_ACCEPTED, "handled": WorkerWord.CONNECTIONS_HANDLED}
    yield many(theirs.CONNECTIONS, (((state, *instance), number) for state, number in states.items()))
    yield many(theirs.CONNECTIONS_TOTAL, (((name, *instance), workers.total(which)) for name, which in totals.items()))
    requests = workers.total(WorkerWord.REQUESTS) + workers.total(WorkerWord.UNMATCHED)
    oldest = min((worker[WorkerWord.STARTED] for worker in workers.alive), default=0)
    numbers: dict[Definition, float] = {
        theirs.REQUESTS_TOTAL: requests,
        theirs.PROCESSES: len(workers.alive),
        theirs.CPU: workers.total(WorkerWord.CPU_MICROSECONDS) / 1e6,
        theirs.READ: workers.total(WorkerWord.BYTES_IN),
        theirs.WRITTEN: workers.total(WorkerWord.BYTES_OUT),
        theirs.RESIDENT: workers.level(WorkerWord.RESIDENT_BYTES),
        theirs.VIRTUAL: workers.level(WorkerWord.VIRTUAL_BYTES),
        theirs.OLDEST: oldest / 1e9,
    }
    for definition, number in numbers.items():
        yield many(definition, [(instance, number)])


def _slot(worker: Worker) -> Values:
    return (str(worker.slot),)
