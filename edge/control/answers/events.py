"""Events on an Ingress: what is wrong with it, and that it is served.

Rules of this file:
- Only the leader writes; the other instances keep track, so that each can take over.
- A problem has one Event, by its name (`event_objects`). A restarted control plane or a new leader that finds the same
  problem gets a 409 and leaves the Event alone. A problem that comes back, or that lasts until its Event is about to
  expire, increments the count of the Event's series. Nothing else is repeated.
- A problem must last SETTLE seconds: objects that were applied together do not arrive together.
- Bounded: SEVERAL Events per object, RATE per second, and MEMORY Events remembered.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

import datetime
import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from edge.control.agenda import Agenda
from edge.control.answers.event_objects import SERVED, Subject, event_object
from edge.control.answers.leader_thread import PATIENCE, LeaderThread
from edge.control.api.errors import KubernetesError, RefusedError
from edge.control.api.lease import microtime
from edge.control.api.pace import Pace
from edge.control.api.transport import MERGE_PATCH
from edge.control.kinds import resources
from edge.control.kinds.problems import warning
from edge.control.kinds.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.api.lease import Election
    from edge.control.api.transport import Transport
    from edge.control.kinds.ingress import Ingress
    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.problems import Problem
    from edge.control.publishing.state import Round

logger = logging.getLogger(__name__)

SETTLE = 1.0
RATE = 20.0
BURST = 100.0
SEVERAL = 20
"""Most problems of one object that have Events of their own; the rest are counted in one more."""
MEMORY = 20_000
REFRESH = 2400.0
"""Seconds after which an Event whose problem lasts is renewed: API servers forget Events after an hour."""
QUIET = 60.0
"""Least seconds between two writes of one Event."""
FRESH = 600.0
"""Seconds since its creation during which an Ingress that existed when we started may not have its Event yet."""
GAP = 30.0
"""Seconds before our election in which there may have been no leader: a little more than an election takes."""


class Written(msgspec.Struct, gc=False):
    """The last Event written for a problem."""

    count: int
    at: float
    """Of the last write; monotonic seconds."""
    over: bool = False
    """The problem has been resolved since."""


class EventWriter(LeaderThread):
    """Writes problems as Events while we are the leader by ELECTION."""

    def __init__(self, transport: Transport, election: Election, *, instance: str, sync: bool = True) -> None:
        """INSTANCE names this process. SYNC: write Events that an Ingress is served, too."""
        self._instance = instance
        self._sync = sync
        self._problems: dict[Subject, set[Problem]] = {}
        self._served: dict[ObjectId, str] = {}
        """Served Ingresses with their uid."""
        self._due: Agenda[Subject] = Agenda()
        """Subjects to check, each with the earliest time (monotonic seconds)."""
        self._news: OrderedDict[Subject, float] = OrderedDict()
        """Ingresses that are served for the first time, since when."""
        self._held: set[Subject] = set()
        """Of these, those in namespaces where we may not write; they are in `_due`."""
        self._written: OrderedDict[tuple[Subject, Problem], Written] = OrderedDict()
        self._heard_any = False
        self._next_refresh = 0.0
        super().__init__(transport, election, Pace(RATE, BURST), name="write events")

    # --- what is heard, by other threads ----------------------------------------------------------------------------

    def heard(self, what: Round) -> None:
        """The routing table is different."""
        now = time.monotonic()
        with self._changed:
            for report in what.gone:
                self._mended(Subject(report.object, report.uid), report.problem)
            for report in what.appeared:
                subject = Subject(report.object, report.uid)
                if report.object.kind in KINDS:
                    self._problems.setdefault(subject, set()).add(report.problem)
                    self._due.advance(subject, now + SETTLE)
            for name, ingress in what.served.items():
                self._is_served(name, ingress, now)
            self._heard_any = True
            self._changed.notify()

    def _mended(self, subject: Subject, problem: Problem) -> None:
        left = self._problems.get(subject, set())
        left.discard(problem)
        if not left:
            self._problems.pop(subject, None)
            if subject not in self._held:
                self._due.drop(subject)
        last = self._written.get((subject, problem))
        if last is not None:
            last.over = True

    def _is_served(self, name: ObjectId, ingress: Ingress | None, now: float) -> None:
        if ingress is None:
            self._served.pop(name, None)
            return
        uid = ingress.metadata.uid
        known, self._served[name] = self._served.get(name), uid
        if self._sync and known != uid and (self._heard_any or age(ingress) < FRESH):
            self._news[Subject(name, uid)] = now

    def _elected(self, leads: bool) -> None:  # the signature of a listener
        now = time.monotonic()
        with self._changed:
            if leads:
                self._forget_old_news(now)
                for subject in self._problems:
                    self._due.advance(subject, now + SETTLE)
            self._changed.notify()

    # --- the thread -------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Write the Events of one object; False: stop."""
        with self._changed:
            while not self._stopping and (wait := self._wait()) != 0:
                self._changed.wait(wait)
            if self._stopping:
                return False
            events = list(self._next())
        for subject, problem, last in events:
            if not self._report(subject, problem, last):
                break
        return True

    def _wait(self) -> float | None:
        """Seconds until something may be due; None: wait to be notified."""
        now = time.monotonic()
        if not self._election.leads:
            self._due.clear()  # they come back when we are elected
            self._held.clear()
            self._forget_old_news(now)
            return GAP if self._news else None
        if now >= self._next_refresh:
            self._next_refresh = now + QUIET
            self._refresh(now)
        ready = [self._next_refresh]
        if self._news:
            ready.append(now)
        due = self._due.next
        if due is not None:
            ready.append(due)
        return max(0.0, min(ready) - now, 0.0 if len(ready) == 1 else self._pace.delay())

    def _forget_old_news(self, now: float) -> None:
        """Drop news that the previous leader has written."""
        while self._news and now - next(iter(self._news.values())) >= GAP:
            self._news.popitem(last=False)

    def _refresh(self, now: float) -> None:
        """Renew Events that expire soon and whose problems last."""
        for (subject, problem), last in self._written.items():
            if now - last.at >= REFRESH and problem in self._problems.get(subject, ()):
                last.over = True
                self._due.advance(subject, now)

    def _next(self) -> Iterator[tuple[Subject, Problem, Written | None]]:
        """The next Events to write, all of one object, each with the last one written for it."""
        if self._news:
            subject, _ = self._news.popitem(last=False)
            if self._bars.end(subject.namespace):
                self._put_back(subject, SERVED)
            else:
                yield subject, SERVED, None
            return
        now = time.monotonic()
        due = self._due.take(now)
        if due is not None:
            yield from self._of(due, now)

    def _of(self, subject: Subject, now: float) -> Iterator[tuple[Subject, Problem, Written | None]]:
        """As `_next`, of SUBJECT, which is due."""
        if barred := self._bars.end(subject.namespace):
            self._due.advance(subject, barred)
            return
        if subject in self._held:
            self._held.discard(subject)
            yield subject, SERVED, None
        problems = sorted(self._problems.get(subject, ()))
        more = len(problems) - SEVERAL
        if more > 0:
            text = f"{more} more problems; the log of the control plane, or edge check, names them all"
            problems = [*problems[:SEVERAL], warning("MoreProblems", "", text)]
        for problem in problems:
            last = self._written.get((subject, problem))
            if last is None:
                yield subject, problem, None
            elif last.over and now - last.at >= QUIET:
                yield subject, problem, last
            elif last.over:
                self._due.advance(subject, last.at + QUIET)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _report(self, subject: Subject, problem: Problem, last: Written | None) -> bool:
        """Write one Event; False: the next one must wait."""
        time.sleep(self._pace.delay())
        remaining = self._election.remaining
        if not remaining or self._stopping:
            self._put_back(subject, problem)
            return False
        self._pace.take()
        try:
            count = self._write(subject, problem, last, min(PATIENCE, remaining))
        except KubernetesError as error:
            return self._failed(subject, problem, error)
        self._pace.worked()
        self._bars.lift(subject.namespace)
        self.trouble = ""
        with self._changed:
            if problem is not SERVED:
                self._remember(subject, problem, count)
        return True

    def _remember(self, subject: Subject, problem: Problem, count: int) -> None:
        lasts = problem in self._problems.get(subject, ()) or problem.reason == "MoreProblems"
        self._written[subject, problem] = Written(count, time.monotonic(), over=not lasts)
        self._written.move_to_end((subject, problem))
        if len(self._written) > MEMORY:
            self._written.popitem(last=False)

    def _write(self, subject: Subject, problem: Problem, last: Written | None, patience: float) -> int:
        """Write the Event; returns the count of its series."""
        path = resources.EVENT.collection(subject.namespace).path
        event = event_object(subject, problem, self._instance)
        if last is not None:
            count = last.count + 1
            series = {"series": {"count": count, "lastObservedTime": microtime()}}
            name = event["metadata"]["name"]
            try:
                self._transport.request(
                    "PATCH", f"{path}/{name}", body=series, content_type=MERGE_PATCH, read_timeout=patience
                )
            except RefusedError as error:
                if error.code != 404:
                    raise
            else:
                return count
        try:
            self._transport.request("POST", path, body=event, read_timeout=patience)
        except RefusedError as error:
            if error.code != 409:
                raise
        return 1

    def _failed(self, subject: Subject, problem: Problem, error: KubernetesError) -> bool:
        """Note ERROR; whether the next Event may be written at once."""
        if isinstance(error, RefusedError) and (
            error.code in (400, 404, 413, 422) or (error.code == 403 and "being terminated" in error.message)
        ):
            if error.code not in (403, 404):  # those say that the namespace is being deleted, or is gone
                logger.warning("event for %s: %s", subject.object, error)
            with self._changed:
                self._remember(subject, problem, 1)
            return True
        message = f"events: {error}"
        if isinstance(error, RefusedError) and error.code == 403:
            message += "; grant the verbs create and patch on events.events.k8s.io"
            if self._bars.put(subject.namespace) and not self.trouble:
                logger.warning("%s", message)
        else:
            rest = self._pace.failed(error)
            if not self.trouble:
                logger.warning("%s; trying again in %.1f s", message, rest)
        self.trouble = message
        self._put_back(subject, problem)
        return False

    def _put_back(self, subject: Subject, problem: Problem) -> None:
        now = time.monotonic()
        with self._changed:
            barred = self._bars.end(subject.namespace)
            if problem is SERVED and not barred:
                self._news[subject] = now
                self._news.move_to_end(subject)
            elif problem is SERVED:
                self._held.add(subject)
                self._due.advance(subject, barred)
            elif subject in self._problems:
                self._due.advance(subject, barred or now)


def age(ingress: Ingress) -> float:
    """Seconds since the creation of INGRESS, by the wall clocks of two machines."""
    try:
        created = datetime.datetime.fromisoformat(ingress.metadata.creation_timestamp or "")
        return (datetime.datetime.now(datetime.UTC) - created).total_seconds()
    except (ValueError, TypeError):  # TypeError: a time without a zone
        return 0.0
