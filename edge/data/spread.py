"""Sharing new connections among the workers of one listening socket.

The kernel wakes every worker for a new connection, and whoever is quickest takes it: with few long connections one
worker may end up with all of them. So a worker looks at how many connections the others have (words in shared memory)
and, while it has clearly more, waits a moment before it accepts: whoever has fewer is then the quickest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.counters import Siblings

if TYPE_CHECKING:
    from pathlib import Path

SLACK = 1
"""Connections that a worker may have beyond the least busy one without hesitating."""
MOMENT = 0.002
"""Seconds."""


class Spread:
    """What this worker knows of the others."""

    def __init__(self, directory: Path, slot: int) -> None:
        self._siblings = Siblings(directory, slot)
        self.alone = True
        """Whether there is no other worker."""

    def refresh(self) -> None:
        """Look again who there is; once a second."""
        self._siblings.refresh()
        self.alone = len(self._siblings) == 0

    def hesitation(self, own: int) -> float:
        """Seconds to wait before the next connection is accepted, with OWN connections here; 0: none."""
        if self.alone or own <= self._siblings.fewest() + SLACK:
            return 0.0
        return MOMENT
