"""`/api/workers`: the worker processes, and the control plane."""

from __future__ import annotations

import os
import resource
import time
from typing import TYPE_CHECKING, Any

from edge.control.serving.resident import resident
from edge.control.serving.view import lists
from edge.control.serving.view.overview import STATES, behind
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from edge.control.publishing.state import State
    from edge.control.serving.view.lists import Question
    from edge.control.serving.view.samples import Samples
    from edge.table.counters import CountersReader
    from edge.table.counters_reader import Worker


class Workers:
    """The slots of workers that READER finds, and this process."""

    def __init__(self, state: State, reader: CountersReader, samples: Samples) -> None:
        self._state = state
        self._reader = reader
        self._samples = samples
        self._own = (time.monotonic(), _cpu_seconds())
        self._own_cpu: float | None = None

    def listed(self, question: Question) -> dict[str, Any]:
        """All of them."""
        lists.known(question)
        return {"workers": [self._entry(worker) for worker in self._reader.workers()], "control": self._control()}

    def _entry(self, worker: Worker) -> dict[str, Any]:
        alive = worker.alive
        return {
            "worker": worker.slot,
            "pid": worker[WorkerWord.PID],
            "alive": alive,
            "started": round(worker[WorkerWord.STARTED] / 1e9, 3),
            "heartbeat_age": round(worker.silence, 3),
            "cpu": self._samples.cpu(worker) if alive else None,
            "cpu_seconds_total": worker[WorkerWord.CPU_MICROSECONDS] / 1e6,
            "resident_bytes": worker[WorkerWord.RESIDENT_BYTES] if alive else 0,
            "virtual_bytes": worker[WorkerWord.VIRTUAL_BYTES] if alive else 0,
            "connections": {name: worker[word] if alive else 0 for name, word in STATES.items()},
            "requests_total": worker[WorkerWord.REQUESTS],
            "rate": self._samples.rate(worker) if alive else None,
            "restarts": max(worker[WorkerWord.STARTS] - 1, 0),
            "generation": worker[WorkerWord.GENERATION],
            "behind": behind(worker, self._state.generation) if alive else 0,
            "draining": bool(worker[WorkerWord.DRAINING]),
            "ejections_total": worker[WorkerWord.EJECTIONS],
            "retries_total": worker[WorkerWord.RETRIES],
        }

    def _control(self) -> dict[str, Any]:
        now, used = time.monotonic(), _cpu_seconds()
        at, before = self._own
        if now - at >= 1.0:
            self._own_cpu = round((used - before) / (now - at), 4)
            self._own = (now, used)
        return {
            "pid": os.getpid(),
            "started": round(self._state.started, 3),
            "cpu": self._own_cpu,
            "cpu_seconds_total": round(used, 3),
            "resident_bytes": resident(),
        }


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
