"""Whether this instance can take requests (readiness), and whether only a restart can help (liveness).

Liveness fails only for a stuck compiler, or for stuck workers that are not replaced. It does not fail for an API server
that is away, a bad manifest or a table that cannot be published, because a restart helps with none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.system import draining
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.control.publishing.state import State
    from edge.settings import Settings
    from edge.table.counters import CountersReader

LATE = 10.0
"""Seconds beyond --worker-timeout in which a stuck worker should have been replaced."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes or no, and a line for each reason."""

    well: bool
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(("ok" if self.well else "not ok", *self.lines)) + "\n"


class Health:
    """Decides by the state of the control plane and by the workers' heartbeats."""

    def __init__(
        self,
        state: State,
        reader: CountersReader,
        settings: Settings,
        directory: Path,
        *,
        stuck: Callable[[], str] | None = None,
    ) -> None:
        """DIRECTORY is the table's. STUCK: returns why the control plane counts as stuck; empty: it does not."""
        self._state = state
        self._reader = reader
        self._timeout = float(settings.worker_timeout)
        self._directory = directory
        self._stuck = stuck

    def ready(self) -> Verdict:
        """Whether requests should be sent here."""
        faults: list[str] = []
        notes: list[str] = []
        state = self._state
        if draining.is_draining(self._directory):
            faults.append("draining: the proxy is about to end")
        waiting = [f"waiting for {kind}" for kind in state.waiting]
        if state.generation == 0:
            faults.append(f"no table has been published yet{': ' if state.failure else ''}{state.failure}")
            faults += waiting
        elif state.own_table:
            faults += waiting
        else:
            notes += waiting  # the table of the control plane before this one is whole, and in force
        if state.generation and state.failure:
            notes.append(f"the newest table could not be published, the one before it is in force: {state.failure}")
        faults += self._workers()
        return Verdict(not faults, (*faults, *notes))

    def live(self) -> Verdict:
        """Whether no restart is needed."""
        faults = []
        if self._stuck is not None and (fault := self._stuck()):
            faults.append(fault)
        limit = self._timeout + LATE
        workers = self._reader.workers()
        alive = [worker for worker in workers if worker.alive]
        faults += [
            f"worker {worker.slot} has sent no heartbeat for {worker.silence:.0f} s"
            for worker in alive
            if worker.silence > limit
        ]
        if workers and not alive and not draining.is_draining(self._directory):
            silence = min(worker.silence for worker in workers)
            if silence > limit:
                faults.append(f"no worker has lived for {silence:.0f} s")
        return Verdict(not faults, tuple(faults))

    def _workers(self) -> list[str]:
        """Why the workers do not serve the table."""
        alive = [worker for worker in self._reader.workers() if worker.alive and worker.silence <= self._timeout]
        if not alive:
            return ["no worker lives"]
        without = [worker for worker in alive if not worker[WorkerWord.GENERATION]]
        if len(without) == len(alive):
            return ["no worker has taken up a table"]
        # A worker that started after the publication reads the table before it listens.
        late = [worker.slot for worker in without if worker[WorkerWord.STARTED] / 1e9 < self._state.published]
        return [f"worker {slot} has not taken up a table yet" for slot in late]
