"""The state of the control plane, for other threads to read: the admin server, metrics, status and Events.

Rules of this file:
- One thread writes, in one short step per round (`commit`); readers get copies. The lock is never held while anything
  is compiled, sent or written.
- `listeners` are called by the writing thread after each round with what it changed; they must not wait.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from edge.control.kinds.problems import Problem, Report
from edge.control.publishing.history import History
from edge.table.records import GLOBALS, Certificate, Globals, Host, ServerName
from edge.table.streams import StreamRoute

if TYPE_CHECKING:
    from edge.control.compiling.delta import Delta, ObjectStatus
    from edge.control.kinds.ingress import Ingress
    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.gateway.services import GatewayService
    from edge.table.record import Record


@dataclass(frozen=True, slots=True)
class Round:
    """The changes of a round, for listeners."""

    generation: int
    served: Mapping[ObjectId, Ingress | None]
    """Ingresses of our class that are new or different; None: no longer ours, or gone."""
    appeared: tuple[Report, ...]
    gone: tuple[Report, ...]
    statuses: Mapping[ObjectId, ObjectStatus | None] = field(default_factory=dict)
    """Of objects of the Gateway API, as far as they are different; None: the object is not ours any more."""
    services: Mapping[ObjectId, GatewayService | None] = field(default_factory=dict)
    """As `Delta.services`."""
    touched: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Keys of the records that are different, by part of the table."""


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate and the host names that it is shown for; no name for the default certificate."""

    certificate: Certificate
    hosts: tuple[str, ...]


PROBLEMS: Final = "problems"
"""A part of the state, see `State.version`."""

Listener = Callable[[Round], None]
K = TypeVar("K")
V = TypeVar("V")


class State:
    """The result of all rounds up to the newest one."""

    def __init__(self, unsynced: Callable[[], tuple[str, ...]] = tuple) -> None:
        """UNSYNCED: the source's, see `edge.control.sources.source`."""
        self._lock = threading.Lock()
        self._unsynced = unsynced
        self._objects: Mapping[str, int] = {}
        self._records: dict[str, dict[str, Record]] = {"routes": {}, "endpoints": {}, "tls": {}}
        self._served: dict[ObjectId, Ingress] = {}
        self._problems: dict[ObjectId, tuple[str, tuple[Problem, ...]]] = {}
        self._versions = dict.fromkeys((*self._records, PROBLEMS), 0)
        self.history = History()
        self.listeners: list[Listener] = []
        self.started = time.time()
        self.generation = 0
        """Of the table that workers see; 0: none yet."""
        self.published = 0.0
        """When it was published, Unix seconds."""
        self.beat = time.monotonic()
        """Last heartbeat of the compiler's thread, monotonic seconds; there is one every few seconds."""
        self.own_table = False
        """Whether this process has published a table; before, workers use that of an earlier control plane, if any."""
        self.publications = 0
        """Tables published by this process."""
        self.reroutings = 0
        """Those of them with other routes, not only other endpoints or certificates."""
        self.failure = ""
        """Why the newest table could not be published; empty: it was."""
        self.failures = 0
        """Times that a table could not be published."""

    # --- for readers ----------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> tuple[str, ...]:
        """The kinds that have not been read in full, each with the reason where there is one."""
        return self._unsynced()

    def objects(self) -> dict[str, int]:
        """Number of objects by kind."""
        return dict(self._objects)

    def reports(self) -> list[Report]:
        """All problems there are."""
        with self._lock:
            problems = list(self._problems.items())
        return [Report(owner, uid, problem) for owner, (uid, several) in problems for problem in several]

    def problems(self, owner: ObjectId) -> tuple[str, tuple[Problem, ...]]:
        """uid and problems of OWNER."""
        with self._lock:
            return self._problems.get(owner, ("", ()))

    def problem_counts(self) -> Counter[tuple[str, str]]:
        """Number of problems by (severity, reason)."""
        return Counter((report.problem.severity.value, report.problem.reason) for report in self.reports())

    def version(self, part: str) -> int:
        """Changes with each change of PART: `routes`, `endpoints`, `tls` or `PROBLEMS`."""
        return self._versions[part]

    def records(self, part: str) -> dict[str, Record]:
        """All records of PART by key."""
        with self._lock:
            return dict(self._records[part])

    def record(self, part: str, key: str) -> Record | None:
        """The record under KEY in PART."""
        with self._lock:
            return self._records[part].get(key)

    def hosts(self) -> list[Host]:
        """The hosts in the table; routes carry the labels of metrics."""
        with self._lock:
            return [record for record in self._records["routes"].values() if isinstance(record, Host)]

    def streams(self) -> dict[str, StreamRoute]:
        """The streams in the table by key."""
        with self._lock:
            return {key: one for key, one in self._records["routes"].items() if isinstance(one, StreamRoute)}

    def shared(self) -> Globals:
        """The record of what holds for all hosts."""
        with self._lock:
            found = self._records["routes"].get(GLOBALS)
        return found if isinstance(found, Globals) else Globals()

    def endpoints(self) -> dict[str, Record]:
        """The services in the table by key."""
        with self._lock:
            return dict(self._records["endpoints"])

    def certificates(self) -> list[ShownCertificate]:
        """The certificates in the table with their hosts; the default one has no hosts."""
        with self._lock:
            records = dict(self._records["tls"])
        hosts: dict[str, list[str]] = {}
        for record in records.values():
            if isinstance(record, ServerName):
                hosts.setdefault(record.certificate, []).append(record.host)
        return [
            ShownCertificate(record, tuple(sorted(hosts.get(key, ()))))
            for key, record in records.items()
            if isinstance(record, Certificate)
        ]

    def served(self) -> dict[ObjectId, Ingress]:
        """The Ingresses of our class."""
        with self._lock:
            return dict(self._served)

    # --- for the one writer ---------------------------------------------------------------------------------------

    def commit(self, delta: Delta, objects: Mapping[str, int]) -> Round:
        """Apply DELTA and the numbers of OBJECTS by kind; returns what listeners get."""
        appeared: list[Report] = []
        gone: list[Report] = []
        touched: dict[str, list[str]] = {}
        with self._lock:
            self._objects = objects
            for part in ("routes", "endpoints", "tls"):
                touched[part] = _update(self._records[part], getattr(delta, part))
                self._versions[part] += bool(touched[part])
            _update(self._served, delta.served)
            for owner, (uid, problems) in delta.problems.items():
                old_uid, old = self._problems.pop(owner, ("", ()))
                if problems:
                    self._problems[owner] = (uid, problems)
                appeared += [Report(owner, uid, problem) for problem in problems if problem not in old]
                gone += [Report(owner, old_uid, problem) for problem in old if problem not in problems]
            self._versions[PROBLEMS] += bool(appeared or gone)
        cluster = (delta.statuses, delta.services)
        return Round(self.generation, delta.served, tuple(appeared), tuple(gone), *cluster, touched)


def _update(target: dict[K, V], changes: Mapping[K, V | None]) -> list[K]:
    """Apply CHANGES to TARGET; returns the keys whose values differ now."""
    touched = []
    for key, value in changes.items():
        old = target.pop(key, None) if value is None else target.get(key)
        if value is not None:
            target[key] = value
        if old != value:
            touched.append(key)
    return touched
