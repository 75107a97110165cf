"""What the words of the workers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.serving.metrics import definitions as ours
from edge.control.serving.metrics import nginx_definitions as theirs
from edge.control.serving.metrics.families import many, one
from edge.table.counters import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.serving.metrics.definitions import Definition
    from edge.control.serving.metrics.families import Family, Values
    from edge.table.counters_reader import Worker

STATES = {
    "reading": Process.CONNECTIONS_READING,
    "writing": Process.CONNECTIONS_WRITING,
    "waiting": Process.CONNECTIONS_WAITING,
    "upgraded": Process.CONNECTIONS_UPGRADED,
}
SUMS: dict[Definition, Process] = {
    ours.UNMATCHED: Process.UNMATCHED,
    ours.BAD_REQUESTS: Process.BAD_REQUESTS,
    ours.CONNECTIONS_ACCEPTED: Process.CONNECTIONS_ACCEPTED,
    ours.CONNECTIONS_HANDLED: Process.CONNECTIONS_HANDLED,
    ours.CONNECTIONS_REFUSED: Process.CONNECTIONS_REFUSED,
    ours.RECEIVED: Process.BYTES_IN,
    ours.SENT: Process.BYTES_OUT,
    ours.HANDSHAKES: Process.HANDSHAKES,
    ours.RESUMED: Process.HANDSHAKES_RESUMED,
    ours.HANDSHAKE_FAILURES: Process.HANDSHAKE_FAILURES,
    ours.UPSTREAM_CONNECTIONS: Process.UPSTREAM_CONNECTIONS,
    ours.CONNECT_FAILURES: Process.UPSTREAM_CONNECT_FAILURES,
    ours.RETRIES: Process.RETRIES,
    ours.EJECTIONS: Process.EJECTIONS,
    ours.LOG_DROPPED: Process.ACCESS_LOG_DROPPED,
    ours.SERIES_FOLDED: Process.SERIES_FOLDED,
    ours.REFUSALS: Process.TABLE_REFUSALS,
}
"""Counters, of living and dead workers."""
LEVELS: dict[Definition, Process] = {
    ours.CONNECTIONS_ACTIVE: Process.CONNECTIONS_ACTIVE,
    ours.UPSTREAM_IDLE: Process.UPSTREAM_IDLE,
    ours.SERIES: Process.SERIES,
}
"""Gauges, of living workers."""


class Workers:
    """All workers at one moment."""

    def __init__(self, workers: list[Worker]) -> None:
        self.all = workers
        self.alive = [worker for worker in workers if worker.alive]

    def total(self, which: Process) -> int:
        """Sum of a counter."""
        return sum(worker[which] for worker in self.all)

    def level(self, which: Process) -> int:
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
    yield many(ours.RESTARTS, ((_slot(worker), max(worker[Process.STARTS] - 1, 0)) for worker in workers.all))
    alive = workers.alive
    yield many(ours.WORKER_STARTED, ((_slot(worker), worker[Process.STARTED] / 1e9) for worker in alive))
    yield many(ours.HEARTBEAT, ((_slot(worker), worker.silence) for worker in alive))
    yield many(ours.WORKER_CPU, ((_slot(worker), worker[Process.CPU_MICROSECONDS] / 1e6) for worker in alive))
    yield many(ours.WORKER_RESIDENT, ((_slot(worker), worker[Process.RESIDENT_BYTES]) for worker in alive))
    yield many(ours.WORKER_VIRTUAL, ((_slot(worker), worker[Process.VIRTUAL_BYTES]) for worker in alive))
    yield many(ours.WORKER_CONNECTIONS, ((_slot(worker), worker[Process.CONNECTIONS_ACTIVE]) for worker in alive))
    yield many(ours.WORKER_GENERATION, ((_slot(worker), worker[Process.GENERATION]) for worker in alive))
    lags = ((_slot(worker), max(generation - worker[Process.GENERATION], 0)) for worker in alive)
    yield many(ours.WORKER_LAG, lags)


def nginx_families(workers: Workers, instance: Values) -> Iterator[Family]:
    """The same as ingress-nginx tells it; INSTANCE are the values of its labels of every metric."""
    states = {
        "active": workers.level(Process.CONNECTIONS_ACTIVE),
        "reading": workers.level(Process.CONNECTIONS_READING),
        # nginx has no state for what is upgraded: its bytes are written.
        "writing": workers.level(Process.CONNECTIONS_WRITING) + workers.level(Process.CONNECTIONS_UPGRADED),
        "waiting": workers.level(Process.CONNECTIONS_WAITING),
    }
    totals = {"accepted": Process.CONNECTIONS_ACCEPTED, "handled": Process.CONNECTIONS_HANDLED}
    yield many(theirs.CONNECTIONS, (((state, *instance), number) for state, number in states.items()))
    yield many(theirs.CONNECTIONS_TOTAL, (((name, *instance), workers.total(which)) for name, which in totals.items()))
    requests = workers.total(Process.REQUESTS) + workers.total(Process.UNMATCHED)
    oldest = min((worker[Process.STARTED] for worker in workers.alive), default=0)
    numbers: dict[Definition, float] = {
        theirs.REQUESTS_TOTAL: requests,
        theirs.PROCESSES: len(workers.alive),
        theirs.CPU: workers.total(Process.CPU_MICROSECONDS) / 1e6,
        theirs.READ: workers.total(Process.BYTES_IN),
        theirs.WRITTEN: workers.total(Process.BYTES_OUT),
        theirs.RESIDENT: workers.level(Process.RESIDENT_BYTES),
        theirs.VIRTUAL: workers.level(Process.VIRTUAL_BYTES),
        theirs.OLDEST: oldest / 1e9,
    }
    for definition, number in numbers.items():
        yield many(definition, [(instance, number)])


def _slot(worker: Worker) -> Values:
    return (str(worker.slot),)
