"""The compiler's thread: empties the queue, compiles, and publishes.

Rules of this file:
- A single change is published at once. After a publication there is a short pause, which grows while changes keep
  arriving: a burst costs few publications, and no change waits longer than LONGEST_PAUSE and a round.
- The first table waits until the source has sent `Synced` for all its kinds. Until then a table that is in force is not
  replaced. Without such a table `--sync-timeout` ends the wait, unless no Ingress could be read at all, or not the
  ConfigMap of `--configmap`, which may hold what keeps requests out.
- An error in this thread ends the process: the table stays in force, and the next process starts afresh.
"""

from __future__ import annotations

import gc
import logging
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from edge.control.compiling.delta import Delta
from edge.control.publishing import default_certificate, tickets
from edge.control.sources.source import BY_NEED
from edge.table.records import TICKETS
from edge.table.writer import TableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.compiling.compiler import Compiler
    from edge.control.publishing.publisher import Publisher
    from edge.control.publishing.resolver import Resolver
    from edge.control.publishing.state import State
    from edge.control.sources.source import Source
    from edge.table.bindings import Bindings
    from edge.table.records import Certificate, TicketKeys

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = 0.002
LONGEST_PAUSE: Final = 0.05
GATHERING: Final = 0.02
"""Seconds for which changes that keep coming are taken into one round."""
BEAT: Final = 2.0
"""Longest time between two signs of life."""
NAMES_PATIENCE: Final = 2.0
"""Seconds that the first table waits for names of Services of type ExternalName to be resolved."""
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Resolved:
    """The addresses of NAME have changed."""

    name: str


@dataclass(frozen=True, slots=True)
class Located:
    """We are in ZONE."""

    zone: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the thread."""


@dataclass(frozen=True, slots=True)
class Kept:
    """State taken over from the table of an earlier control plane."""

    tickets: TicketKeys | None
    certificate: Certificate


Messages = queue.SimpleQueue[Any]
"""Of `Change`, `Resolved`, `Located` and `Stop`; sources, which put the first, know nothing of the others."""


class Rounds:
    """Runs COMPILER and PUBLISHER by what SOURCE puts on MESSAGES."""

    def __init__(
        self,
        messages: Messages,
        source: Source,
        *,
        compiler: Compiler,
        publisher: Publisher,
        resolver: Resolver,
        state: State,
        kept: Kept,
        sync_timeout: float,
        refusals: Callable[[], int] = lambda: 0,
        bindings: Bindings | None = None,
    ) -> None:
        """SYNC_TIMEOUT: seconds from now after which the first table waits no longer for all kinds.

        REFUSALS says how often workers have refused a table or a record. BINDINGS: what the proxy listens on.
        """
        self._messages = messages
        self._source = source
        self._compiler = compiler
        self._publisher = publisher
        self._resolver = resolver
        self._state = state
        self._certificate = kept.certificate
        self._tickets = kept.tickets
        self._hourly = 0.0
        self._deadline = time.monotonic() + sync_timeout
        self._needs = (-1, False)
        """The last report to the source and the resolver: the version of the needs, and whether they are complete."""
        self._refusals = refusals
        self._bindings = bindings
        if bindings is not None:
            compiler.bindings((), frozenset())
        self._inspected = 0.0
        self._settled = False
        self._resolved: set[str] = set()
        """Names whose first answer the compiler has received; kept until the first table is published."""
        self._ready_since = 0.0
        self._first_published = False
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until stopped."""
        pause = FIRST_PAUSE
        while True:
            waiting = not self._messages.empty()
            if not self._gather(self._patience()):
                return
            begun = time.monotonic()
            self._state.beat = begun
            if self._is_loading(begun):
                continue
            self._round(time.time())
            self._inspect(begun)
            pause = min(2 * pause, LONGEST_PAUSE) if waiting else FIRST_PAUSE
            self._stopping.wait(min(max(pause, time.monotonic() - begun), 2 * LONGEST_PAUSE))

    def stop(self) -> None:
        """End `run` soon; may be called by any thread."""
        self._stopping.set()
        self._messages.put(Stop())

    # --- what there is to do ----------------------------------------------------------------------------------------

    def _gather(self, patience: float) -> bool:
        """Apply the changes that are waiting, or the next that comes within PATIENCE seconds; False: stop."""
        try:
            message = self._messages.get(timeout=patience)
        except queue.Empty:
            return True
        end = time.monotonic() + GATHERING
        while True:
            if isinstance(message, Stop):
                return False
            if isinstance(message, Resolved):
                self._compiler.name_changed(message.name)
                if not self._first_published:
                    self._resolved.add(message.name)
            elif isinstance(message, Located):
                self._compiler.zone_found(message.zone)
            else:
                self._state.history.heard(message)
                self._compiler.apply(message)
            if time.monotonic() > end:
                return True
            try:
                message = self._messages.get_nowait()
            except queue.Empty:
                return True

    def _patience(self) -> float:
        """Seconds until there is something to do even if nothing changes."""
        now = time.monotonic()
        waits = [BEAT]
        if self._publisher.retry_due is not None:
            waits.append(self._publisher.retry_due - now)
        if not self._first_published:
            waits.append(0.1 if self._settled else self._deadline - now if self._deadline > now else BEAT)
        else:
            waits.append(self._hourly - now)
            due = self._compiler.next_due()
            waits += [due] if due is not None else []
        return max(0.0, min(waits))

    def _is_loading(self, now: float) -> bool:
        """Whether too much is missing to compile anything yet."""
        if not self._settled:  # a table that could not wait for all kinds may be there already
            self._settled = self._source.kinds - self._compiler.store.synced <= BY_NEED
        return not (self._settled or self._first_published or self._may_go_without(now))

    def _may_go_without(self, now: float) -> bool:
        """Whether the first table may be published although not all kinds are there."""
        return now >= self._deadline and not self._state.generation and "Ingress" in self._compiler.store.synced

    def _may_publish(self, now: float) -> bool:
        if self._first_published:
            return True
        if self._source.kinds - self._compiler.store.synced and not self._may_go_without(now):
            return False
        if not self._compiler.is_configured:
            return False
        self._ready_since = self._ready_since or now
        # Not what the resolver knows now: an answer that came after the compilation is not in this table.
        return self._compiler.external_names <= self._resolved or now - self._ready_since > NAMES_PATIENCE

    # --- doing it -------------------------------------------------------------------------------------------------

    def _round(self, now: float) -> None:
        """Compile, and publish if that is due; NOW in Unix seconds."""
        self._look_after(now)
        if self._bindings is not None and self._bindings.changed():
            self._compiler.bindings(self._bindings.unbound, self._bindings.bound)
        self._publisher.add(self._compiler.compile(now=now))
        needs = (self._compiler.needs_version, self._settled)
        if needs != self._needs:
            self._needs = needs
            self._resolver.want(self._compiler.external_names)
            self._resolved &= self._compiler.external_names
            self._source.want(self._compiler.wanted, settled=self._settled)
        if self._may_publish(time.monotonic()):
            published = self._publisher.publish(self._compiler.store.counts())
            if published and not self._first_published:
                self._first_published = True
                self._resolved.clear()
                self._settle_down()

    def _inspect(self, now: float) -> None:
        """Check, now and then, whether the table is still there."""
        if self._first_published and now - self._inspected >= BEAT / 2:
            self._inspected = now
            self._publisher.inspect(self._refusals())

    def _look_after(self, now: float) -> None:
        """Renew what changes with time alone."""
        if time.monotonic() < self._hourly:
            return
        first = not self._hourly
        self._hourly = time.monotonic() + HOUR
        delta = Delta()
        keys = tickets.rotated(self._tickets, now)
        if first or keys is not self._tickets:
            self._tickets = delta.tls[TICKETS] = keys
        certificate = default_certificate.kept(self._certificate, now)
        if first or certificate is not self._certificate:
            self._certificate = certificate
            self._compiler.show_generated(certificate)
        self._publisher.add(delta)

    def _settle_down(self) -> None:
        """The objects of now will stay: exclude them from garbage collection."""
        counts = ", ".join(f"{count} {kind}" for kind, count in self._compiler.store.counts().items() if count)
        logger.info("published table %d: %s", self._state.generation, counts or "no objects")
        gc.collect()
        gc.freeze()


def guarded(work: Callable[[], None], failed: Callable[[], None]) -> Callable[[], None]:
    """WORK for a thread: what it raises is logged, and FAILED is called."""

    def run() -> None:
        try:
            work()
        except TableError as error:
            logger.error("%s; starting afresh", error)  # noqa: TRY400 - the message says it all
            failed()
        except Exception:
            logger.exception("unexpected error; the last table stays in force")
            failed()

    return run
