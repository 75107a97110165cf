"""The samples of the last ten minutes, one every two seconds.

Rules of this file:
- Samples are taken whether the page is open or not, so they are cheap: the words of the workers, and one pass over
  their counters of times, without the GIL and without a copy.
- Between two samples only differences count. A sum that went backwards, because a route is gone, counts as unchanged.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from edge.control.serving.view.quantiles import ERRORS, Measured, measured
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge.table.counters import CountersReader
    from edge.table.counters_reader import Worker

INTERVAL = 2.0
KEPT = 300
"""Samples: ten minutes."""

logger = logging.getLogger(__name__)


class Sample(NamedTuple):
    """What happened between two readings of the counters, and the gauges at the second one."""

    time: float
    """Unix seconds."""
    requests: Measured
    connections: int
    cpu: float
    """Of all workers, in processors."""


class Look(NamedTuple):
    """One reading of the counters."""

    at: float
    """Monotonic seconds."""
    workers: list[Worker]
    durations: tuple[tuple[int, ...], ...]


class Samples:
    """Takes samples of what READER reads, in a thread of its own from `start` to `stop`."""

    def __init__(self, reader: CountersReader) -> None:
        self._reader = reader
        self._ring: deque[Sample] = deque(maxlen=KEPT)
        self._before: Look | None = None
        self._latest: Look | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.taken: Callable[[], object] | None = None
        """Called after each sample; it must not wait."""

    def start(self) -> None:
        """Begin to take samples."""
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def all(self) -> list[Sample]:
        """The samples, oldest first."""
        return list(self._ring)

    def newest(self) -> Sample | None:
        """The last sample."""
        return self._ring[-1] if self._ring else None

    def cpu(self, worker: Worker) -> float | None:
        """Processors that WORKER used at last; None: not known."""
        before = self._before
        return next((cpu(old, worker) for old in before.workers if old.slot == worker.slot), None) if before else None

    def rate(self, worker: Worker) -> float | None:
        """Requests per second of WORKER between the last two samples; None: not known."""
        before, latest = self._before, self._latest
        if before is None or latest is None:
            return None
        counts = [
            next((_requests(one) for one in look.workers if one.slot == worker.slot), None) for look in (before, latest)
        ]
        old, new = counts
        return None if old is None or new is None else round(max(new - old, 0) / (latest.at - before.at), 3)

    def take(self) -> None:
        """Take a sample now."""
        look = Look(time.monotonic(), self._reader.workers(), self._reader.durations())
        before = self._latest
        if before is not None and look.at > before.at:
            self._ring.append(_sample(before, look))
        self._before, self._latest = before, look

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            try:
                self.take()
                if self.taken is not None:
                    self.taken()
            except Exception:
                logger.exception("a sample could not be taken")
            due = max(due + INTERVAL, time.monotonic())


def _sample(before: Look, now: Look) -> Sample:
    differences = [
        [max(new - old, 0) for old, new in zip(*pair, strict=True)]
        for pair in zip(before.durations, now.durations, strict=True)
    ]
    counts = [sum(column) for column in zip(*differences, strict=True)]
    unmatched = max(_total(now.workers, _UNROUTED) - _total(before.workers, _UNROUTED), 0)
    alive = [worker for worker in now.workers if worker.alive]
    old = {worker.slot: worker for worker in before.workers}
    return Sample(
        time=round(time.time(), 3),
        requests=measured(counts, sum(differences[ERRORS]), now.at - before.at, others=unmatched),
        connections=sum(worker[WorkerWord.CONNECTIONS_ACTIVE] for worker in alive),
        cpu=round(sum(cpu(old[worker.slot], worker) or 0.0 for worker in alive if worker.slot in old), 4),
    )


_UNROUTED = (WorkerWord.UNMATCHED, WorkerWord.BAD_REQUESTS)


def _total(workers: Iterable[Worker], words: tuple[WorkerWord, ...]) -> int:
    return sum(worker[word] for worker in workers for word in words)


def _requests(worker: Worker) -> int:
    return _total((worker,), (WorkerWord.REQUESTS, *_UNROUTED))


def cpu(old: Worker, new: Worker) -> float | None:
    """Processors that a worker used between two signs of life; it writes both words at the same time. None: no two."""
    elapsed = (new[WorkerWord.HEARTBEAT] - old[WorkerWord.HEARTBEAT]) / 1e9
    used = (new[WorkerWord.CPU_MICROSECONDS] - old[WorkerWord.CPU_MICROSECONDS]) / 1e6
    return round(max(used, 0.0) / elapsed, 4) if elapsed > 0 else None
