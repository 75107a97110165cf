"""The base of the writers of status and Services: a thread that keeps objects of the cluster as they should be.

Rules of this file:
- Only the leader writes, and a write may take no longer than leadership is certain.
- What to write of an object is decided when its turn comes, so several changes become one write. After a write an
  object waits for `quiet` seconds, so that a thousand changes of one object become a few writes.
- After a conflict that is decided again, on a newer version.
- A namespace where a write is forbidden is skipped for a while, and delays no other.
"""

from __future__ import annotations

import itertools
import logging
import time
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from edge.control.agenda import Agenda
from edge.control.answers.leader_thread import PATIENCE, LeaderThread
from edge.control.api.backoff import Backoff
from edge.control.api.errors import KubernetesError, RefusedError
from edge.control.api.pace import Pace
from edge.control.api.transport import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.api.lease import Election
    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import ObjectId

logger = logging.getLogger(__name__)

RATE: Final = 100.0
"""Most writes per second in the long run, and at once."""
CONFLICT: Final = (0.1, 10.0)
"""First and longest wait after a conflict, seconds; a newer version that arrives ends it."""
HOPELESS: Final = (400, 413, 415, 422)
"""Refusals that a retry would get again."""
J = TypeVar("J")


class Writer(LeaderThread, Generic[J]):
    """Writes objects while ELECTION is won. J: the write of one object."""

    what = "status"
    """What is written, for messages."""
    quiet = 0.0
    """Least seconds between two writes of one object."""
    latest_first = False
    """Whether the object that became due last is written first, because its author is waiting for it."""

    def __init__(self, transport: Transport, election: Election, *, rate: float = RATE) -> None:
        self._due: dict[ObjectId, None] = {}
        """Objects to check."""
        self._later: Agenda[ObjectId] = Agenda()
        """When (monotonic seconds) an object with a conflict, or whose write is forbidden, is tried again."""
        self._conflicts: dict[ObjectId, Backoff] = {}
        self._rests: dict[ObjectId, float] = {}
        """Objects that were just written, in that order, and until when they wait."""
        super().__init__(transport, election, Pace(rate, rate), name=f"write {self.what}")

    # --- of each writer ---------------------------------------------------------------------------------------------

    def _every(self) -> Iterable[ObjectId]:
        """The objects to check when we have become the leader."""
        raise NotImplementedError

    def _consider(self, name: ObjectId) -> None:
        """Mark NAME as due if it may be wrong; the lock is held."""
        raise NotImplementedError

    def _job(self, name: ObjectId) -> J | None:
        """The write of NAME; None: nothing to write. The lock is held."""
        raise NotImplementedError

    def _write(self, name: ObjectId, job: J) -> None:
        """Write it.

        Raises:
            KubernetesError: it is not done, or not known to be.
        """
        raise NotImplementedError

    def _right(self, name: ObjectId) -> str:
        """The right that a write of NAME needs: verbs and resource."""
        raise NotImplementedError

    # --- for each writer --------------------------------------------------------------------------------------------

    def _make_due(self, name: ObjectId) -> None:
        if name not in self._due:
            self._due[name] = None
            self._changed.notify()

    def _forget(self, name: ObjectId) -> None:
        self._due.pop(name, None)
        self._conflicts.pop(name, None)

    def _consider_all(self) -> None:
        for name in self._every():
            self._consider(name)

    def _may_write(self) -> bool:
        """Whether we may write now."""
        return self._election.leads

    def _request(self, method: str, path: str, body: Any = None, *, content_type: str = JSON) -> bytes | None:
        """The answer of the API server; None: we are no longer the leader.

        Raises:
            KubernetesError: it is not done, or not known to be.
        """
        remaining = self._election.remaining
        if not remaining:
            return None
        patience = min(PATIENCE, remaining)
        return self._transport.request(method, path, body=body, content_type=content_type, read_timeout=patience)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _elected(self, leads: bool) -> None:  # the signature of a listener
        with self._changed:
            if leads:
                self._consider_all()
            self._changed.notify()

    def _turn(self) -> bool:
        """Write the next object; False: stop."""
        found = self._next()
        if found is None:
            return False
        name, job = found
        self._pace.take()
        try:
            self._write(name, job)
        except KubernetesError as error:
            self._failed(name, error)
        else:
            self._pace.worked()
            self._bars.lift(name.namespace)
            self.trouble = ""
            with self._changed:
                self._conflicts.pop(name, None)
                self._settle(name)
        return True

    def _settle(self, name: ObjectId) -> None:
        """Let NAME wait for a while."""
        now = time.monotonic()
        for one in [one for one, end in itertools.islice(self._rests.items(), 2) if end <= now]:
            del self._rests[one]
        if self.quiet:
            self._rests.pop(name, None)
            self._rests[name] = now + self.quiet

    def _next(self) -> tuple[ObjectId, J] | None:
        """Wait for the next write, and return it; None: stop."""
        with self._changed:
            while not self._stopping:
                wait = self._wait()
                if wait != 0:
                    self._changed.wait(wait)
                    continue
                name = next(reversed(self._due)) if self.latest_first else next(iter(self._due))
                del self._due[name]
                barred, resting = self._bars.end(name.namespace), self._rests.get(name, 0.0)
                if barred or resting > time.monotonic():
                    self._later.advance(name, max(barred, resting))
                    continue
                job = self._job(name)
                if job is not None:
                    return name, job
            return None

    def _wait(self) -> float | None:
        """Seconds until there may be something to do; None: until notified."""
        now = time.monotonic()
        while (name := self._later.take(now)) is not None:
            self._consider(name)
        again = self._later.next
        next_try = again - now if again is not None else None
        if self._due and self._may_write():
            delay = self._pace.delay()
            return delay if next_try is None else min(delay, next_try)
        return next_try

    def _failed(self, name: ObjectId, error: KubernetesError) -> None:
        code = error.code if isinstance(error, RefusedError) else 0
        message = f"{self.what} of {name}: {error}"
        if code == 404:
            return
        if code == 409:
            with self._changed:
                backoff = self._conflicts.setdefault(name, Backoff(base=CONFLICT[0], cap=CONFLICT[1]))
                self._later.advance(name, time.monotonic() + backoff.next())
            return
        if code in HOPELESS:
            logger.warning("%s", message)
            return
        if code == 403:
            self._forbidden(name, error)
            return
        rest = self._pace.failed(error)
        if not self.trouble:
            logger.warning("%s; trying again in %.1f s", message, rest)
        self.trouble = message
        with self._changed:
            self._consider(name)

    def _forbidden(self, name: ObjectId, error: KubernetesError) -> None:
        """Skip the namespace of NAME for a while; writes in others may be allowed."""
        message = f"{self.what}: {error}; grant the {self._right(name)}"
        if self._bars.put(name.namespace) and not self.trouble:
            logger.warning("%s", message)
        self.trouble = message
        with self._changed:
            self._consider(name)
