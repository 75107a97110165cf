"""The base of all writers: a thread that writes to the cluster while this control plane is the leader.

Rules of this file:
- The thread runs from `start` to `stop`, leader or not; a writer checks the election before each write.
- Other threads change what a writer has to do while they hold `_changed`, and notify it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from edge.control.api.pace import Bars, Pace
from edge.control.api.threads import persist

if TYPE_CHECKING:
    from edge.control.api.lease import Election
    from edge.control.api.transport import Transport

PATIENCE: Final = 10.0
"""Longest silence of the API server in one write, seconds."""


class LeaderThread:
    """Base of the writers: one thread, which calls `_turn` until it is stopped."""

    def __init__(self, transport: Transport, election: Election, pace: Pace, *, name: str) -> None:
        """PACE limits the writes; NAME is that of the thread."""
        self.trouble = ""
        """Why the last write failed, for people."""
        self._transport = transport
        self._election = election
        self._pace = pace
        self._bars = Bars()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=persist, args=(self._turn,), name=name, daemon=True)
        election.listeners.append(self._elected)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; the next leader writes what is not written yet."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(PATIENCE)

    def _turn(self) -> bool:
        """Wait for the next piece of work, and do it; False: stop."""
        raise NotImplementedError

    def _elected(self, leads: bool) -> None:  # the signature of a listener
        """Note an election that we have won (LEADS) or lost."""
        raise NotImplementedError
