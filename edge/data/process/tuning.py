"""The process-wide parameters of a worker: those it was started with, and those of the table.

Rules of this file:
- Parameters are compared when a new generation of the table is read: at a request, at a new connection, or within a
  second. A record that has not changed has no effect.
- A function passed to `follow` is called at the start and at each change; nothing is looked up for a request.
- If the record cannot be read, the last parameters stay in force.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.table.parameters import PARAMETERS, Parameters
from edge.table.reader import UnreadableError

if TYPE_CHECKING:
    from edge.settings import Settings
    from edge.table.reader import TableReader

log = logging.getLogger("edge.data")

Follower = Callable[["Settings", Parameters], object]
"""Uses the settings in force, and the parameters that are not settings."""


class Tuning:
    """The parameters in force: those of TABLE over SETTINGS."""

    def __init__(self, settings: Settings, table: TableReader) -> None:
        self._started = settings
        self._table = table
        self._followers: list[Follower] = []
        self._record: Parameters | None = None
        self.settings = settings
        self.parameters = Parameters()
        table.taken_up = self.take_up
        self.take_up()

    def follow(self, follower: Follower) -> None:
        """Call FOLLOWER with the parameters in force, now and at each change."""
        self._followers.append(follower)
        follower(self.settings, self.parameters)

    def take_up(self) -> None:
        """Use the parameters of the current generation."""
        record = self._record
        with suppress(UnreadableError):
            record = self._table.routes.get(PARAMETERS, Parameters)
        if record is self._record:
            return
        self._record = record
        self.parameters = record or Parameters()
        self.settings = self.parameters.over(self._started)
        for follower in self._followers:
            try:
                follower(self.settings, self.parameters)
            except Exception:  # a follower that fails must not affect the others
                log.exception("parameters of the table")
