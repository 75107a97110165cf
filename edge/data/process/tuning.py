"""The process-wide parameters of a worker: as it was started, and as the table says since.

Rules of this file:
- Parameters are looked at where a generation is taken up: by a request, by a new connection, or within a second. A
  record that is the same as before changes nothing.
- A function passed to `follow` is called at the start and at each change; nothing is looked up for a request.
- Where the record cannot be read, what is in force stays so.
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
"""Goes by the settings in force, and by the parameters that are no settings."""


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
        """Tell FOLLOWER what is in force, now and at each change."""
        self._followers.append(follower)
        follower(self.settings, self.parameters)

    def take_up(self) -> None:
        """Go by the parameters of the generation that has been taken up."""
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
            except Exception:  # one that cannot go by them must not keep the others from doing so
                log.exception("parameters of the table")
