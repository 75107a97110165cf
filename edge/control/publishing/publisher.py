"""Publishes compiled records: to workers through the table, to the rest of the control plane through the state.

Rules of this file:
- Records that cannot be published now are merged with later ones, so that the next try publishes all.
- The state shows what is in the table: it is committed after publication, never before.
- A record that cannot be written is left out, and is an error of its objects.
- The control plane cannot repair a table that was removed or damaged: it ends, and the next one starts afresh.
"""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING, Final

from edge.control.compiling.delta import Delta
from edge.control.containment import REASON, contain
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import error
from edge.table.codec import encode
from edge.table.records import Certificate, Host, Route, ServicePort
from edge.table.writer import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.kinds.problems import Problem
    from edge.control.publishing.state import State
    from edge.table.record import Record
    from edge.table.writer import TableWriter

logger = logging.getLogger(__name__)

RETRY: Final = 1.0
"""Seconds until a publication that failed is tried again, even if nothing changes."""


class Publisher:
    """Publishes into one table."""

    def __init__(self, writer: TableWriter, state: State) -> None:
        self._writer = writer
        self._state = state
        self._pending = Delta()
        self._left_out: dict[str, tuple[set[ObjectId], Problem]] = {}
        """Records that cannot be written: by key, whose they are, and the problem."""
        self._failed = 0.0
        self._refusals = 0
        state.generation = writer.generation
        state.published = writer.published

    def inspect(self, refusals: int) -> None:
        """Check the files of the table; REFUSALS: how often workers have refused something.

        Raises:
            TableError: they are damaged.
        """
        damage = self._writer.damage(thorough=refusals > self._refusals)
        self._refusals = refusals
        if damage:
            raise TableError(f"another process has damaged the table: {damage}")

    @property
    def retry_due(self) -> float | None:
        """When to try again (monotonic seconds); None: nothing has failed."""
        return self._failed + RETRY if self._failed else None

    def add(self, delta: Delta) -> None:
        """Publish DELTA with the next table."""
        pending = self._pending
        pending.routes.update(delta.routes)
        pending.endpoints.update(delta.endpoints)
        pending.tls.update(delta.tls)
        pending.served.update(delta.served)
        pending.statuses.update(delta.statuses)
        pending.services.update(delta.services)
        pending.problems.update(delta.problems)

    def publish(self, objects: Mapping[str, int]) -> bool:
        """Publish what was added, and notify the listeners of the state; False: that is not possible now.

        OBJECTS: how many there are of each kind.
        """
        state, pending = self._state, self._pending
        if state.own_table and not pending:
            state.commit(pending, objects)
            state.history.nothing()
            return True
        before = self._writer.generation
        try:
            generation = self._write()
        except TableError as fault:
            if str(fault) != state.failure:
                logger.error("%s; the last table stays in force", fault)  # noqa: TRY400 - the message says it all
            state.failure = str(fault)
            state.failures += 1
            self._failed = time.monotonic()
            return False
        done = time.monotonic()
        if state.failure:
            logger.info("the table can be published again")
            state.failure = ""
        self._failed = 0.0
        self._pending = Delta()
        if generation != before:
            state.publications += 1
            state.reroutings += bool(pending.routes)
        state.generation = generation
        state.published = self._writer.published
        self._report(pending)
        what = state.commit(pending, objects)
        state.history.note(what.touched, generation, done, appeared=len(what.appeared), gone=len(what.gone))
        state.own_table = True  # last: a reader that sees it finds the contents
        for listener in state.listeners:
            contain("listener of rounds", functools.partial(listener, what), lambda _: None)
        return True

    def _write(self) -> int:
        """Write what is pending; the generation.

        Raises:
            TableError: that is not possible now.
        """
        pending, publish = self._pending, self._writer.publish
        try:
            return publish(routes=pending.routes, endpoints=pending.endpoints, tls=pending.tls)
        except TableError:
            raise
        except Exception:
            if not sum(self._leave_out(records) for records in (pending.routes, pending.endpoints, pending.tls)):
                raise
        return publish(routes=pending.routes, endpoints=pending.endpoints, tls=pending.tls)

    def _leave_out(self, records: dict[str, Record | None]) -> int:
        """Take out of RECORDS those that cannot be written, so that the last good ones stay; their number."""
        faults = {}
        for key, record in records.items():
            faults[key] = contain(f'record "{key}"', functools.partial(_try, key, record), str)
        bad = [key for key, fault in faults.items() if fault]
        for key in bad:
            problem = error(REASON, "", f"{faults[key]}; the last good version, if any, stays in force")
            self._left_out[key] = (_owners(records.pop(key)), problem)
        return len(bad)

    def _report(self, pending: Delta) -> None:
        """Add to the problems in PENDING, which is written, what was left out, until it is written too."""
        for key, (owners, problem) in list(self._left_out.items()):
            written = key in pending.routes or key in pending.endpoints or key in pending.tls
            for owner in owners:
                uid, known = pending.problems.get(owner) or self._state.problems(owner)
                others = tuple(one for one in known if one != problem)
                pending.problems[owner] = (uid, others if written else (*others, problem))
            if written:
                del self._left_out[key]


def _try(key: str, record: Record | None) -> str:
    """Encode RECORD; raises if it cannot be written. Returns nothing."""
    key.encode()
    if record is not None:
        encode(record)
    return ""


def _owners(record: Record | None) -> set[ObjectId]:
    """The objects that RECORD is made of."""
    if isinstance(record, Host):
        routes: list[Route] = list(record.routes)
        if record.default is not None:
            routes.append(record.default)
        owners = {one.owner for one in routes if one.owner.kind}
        return {ObjectId(owner.kind, owner.namespace, owner.name) for owner in owners}
    if isinstance(record, ServicePort):
        return {ObjectId("Service", record.namespace, record.name)}
    if isinstance(record, Certificate) and record.name:
        return {ObjectId("Secret", record.namespace, record.name)}
    return set()
