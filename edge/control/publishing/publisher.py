"""From what was compiled to what workers and the rest of the control plane see.

Rules of this file:
- What cannot be published is kept and put together with what comes after it, so that the next try publishes all.
- The state says what is in the table: it is committed after publication, never before.
- A table that somebody has taken away or spoilt is none that the control plane could mend: it begins afresh.
"""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING, Final

from edge.control.containment import contain
from edge.control.publishing.state import Delta
from edge.table.writer import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.publishing.state import State
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
        self._failed = 0.0
        self._refusals = 0
        state.generation = writer.generation
        state.published = writer.published

    def inspect(self, refusals: int) -> None:
        """See whether the files of the table are what they were; REFUSALS: how often workers have refused something.

        Raises:
            TableError: they are not.
        """
        damage = self._writer.damage(thorough=refusals > self._refusals)
        self._refusals = refusals
        if damage:
            raise TableError(f"the table has been damaged by somebody else: {damage}")

    @property
    def retry_due(self) -> float | None:
        """When to try again (monotonic seconds); None: nothing has failed."""
        return self._failed + RETRY if self._failed else None

    def add(self, delta: Delta) -> None:
        """Have DELTA published with the next table."""
        pending = self._pending
        pending.routes.update(delta.routes)
        pending.endpoints.update(delta.endpoints)
        pending.tls.update(delta.tls)
        pending.served.update(delta.served)
        pending.problems.update(delta.problems)

    def publish(self, objects: Mapping[str, int]) -> bool:
        """Publish all that was added, and tell the listeners of the state; False: that is not possible now.

        OBJECTS: how many there are of each kind.
        """
        state, pending = self._state, self._pending
        if state.own_table and not pending:
            state.commit(pending, objects)
            return True
        before = self._writer.generation
        try:
            generation = self._writer.publish(routes=pending.routes, endpoints=pending.endpoints, tls=pending.tls)
        except TableError as error:
            if str(error) != state.failure:
                logger.error("%s; the last table stays in force", error)  # noqa: TRY400 - the message says it all
            state.failure = str(error)
            state.failures += 1
            self._failed = time.monotonic()
            return False
        if state.failure:
            logger.info("the table can be published again")
            state.failure = ""
        self._failed = 0.0
        self._pending = Delta()
        if generation != before:
            state.publications += 1
        state.generation = generation
        state.published = self._writer.published
        what = state.commit(pending, objects)
        state.own_table = True  # last: who asks for the table's contents when it is true finds them
        for listener in state.listeners:
            contain("listener of rounds", functools.partial(listener, what), lambda _: None)
        return True
