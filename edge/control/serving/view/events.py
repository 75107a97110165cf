"""`/api/events`: server-sent events (HTML Living Standard, 9.2).

Rules of this file:
- An event is made once for all clients, by one thread that runs only while there is a client.
- Clients read from one short list of events. One that has fallen behind what the list holds is disconnected.
- The threads that publish and that take samples never wait: they wake this thread, and continue.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.publishing.state import Round
    from edge.control.serving.view.changes import Changes
    from edge.control.serving.view.overview import Overview
    from edge.control.serving.view.problems import Problems

MOST: Final = 8
"""Clients at a time."""
HEARTBEAT = 15.0
"""Seconds without an event after which a client gets a comment."""
PAUSE = 0.5
"""Seconds between two events about changes, at least."""
_KEPT: Final = 64
_COMMENT: Final = b": still here\n\n"
_RETRY: Final = b"retry: 2000\n\n"

logger = logging.getLogger(__name__)


class Events:
    """The events, and the clients that read them."""

    def __init__(self, overview: Overview, changes: Changes, problems: Problems) -> None:
        self._overview = overview
        self._changes = changes
        self._problems = problems
        self._condition = threading.Condition()
        self._events: deque[tuple[int, bytes]] = deque(maxlen=_KEPT)
        self._number = 0
        self._clients = 0
        self._closed = False
        self._running = False
        self._wake = threading.Event()
        self._due: set[str] = set()
        """The kinds of events that are due."""

    def sampled(self) -> None:
        """A sample has been taken."""
        self._happened("overview")

    def published(self, what: Round) -> None:
        """WHAT has been published: a listener of the state."""
        self._happened("changes")
        if what.appeared or what.gone:
            self._happened("problems")

    def stop(self) -> None:
        """Disconnect all clients."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._wake.set()

    def join(self) -> bool:
        """Add a client, which must call `leave`; False: there are too many."""
        with self._condition:
            if self._clients >= MOST or self._closed:
                return False
            self._clients += 1
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, args=(self._changes.newest(),), name="events", daemon=True).start()
        return True

    def leave(self) -> None:
        """A client has gone."""
        with self._condition:
            self._clients -= 1
        self._wake.set()

    def stream(self) -> Iterator[bytes]:
        """The bytes for one client; it ends if the client has fallen behind, or all are disconnected."""
        with self._condition:
            seen = self._number
        yield _RETRY + event("overview", self._overview.newest())
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self._number > seen, HEARTBEAT)  # noqa: B023 - at once
                if self._closed or (self._events and self._events[0][0] > seen + 1):
                    return
                fresh = [data for number, data in self._events if number > seen]
                seen = self._number
            yield b"".join(fresh) or _COMMENT

    def _happened(self, what: str) -> None:
        if self._clients:
            self._due.add(what)
            self._wake.set()

    def _run(self, known: int) -> None:
        """Make events until no client is left; KNOWN: the last change that clients know."""
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._condition:
                if self._closed or not self._clients:
                    self._running = False
                    self._due.clear()
                    return
            try:
                known = self._make(known)
            except Exception:
                logger.exception("an event could not be made")

    def _make(self, known: int) -> int:
        """Make the events that are due; the last change that is known now."""
        made = []
        if "overview" in self._due:
            self._due.discard("overview")
            made.append(event("overview", self._overview.newest()))
        if "problems" in self._due:
            self._due.discard("problems")
            made.append(event("problems", self._problems.counts()))
        changed = "changes" in self._due
        if changed:
            self._due.discard("changes")
            fresh = self._changes.since(known)
            if fresh:
                known = fresh[-1]["id"]
                made.append(event("changes", {"changes": fresh}))
        with self._condition:
            for data in made:
                self._number += 1
                self._events.append((self._number, data))
            self._condition.notify_all()
        if changed:
            time.sleep(PAUSE)
        return known


def event(name: str, data: Any) -> bytes:
    """An event with DATA as JSON, which has no line end in it."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
