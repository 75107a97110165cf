"""Files that are being changed: when their content may be read.

Rules of this file:
- A file that is being written is not read until it is closed or replaced. If it stays open without writes, its present
  content is read.
- A file that is gone may come back at once: many programs save by moving the old file away first.
- An empty file may be the first half of a save: it is read only if it stays empty for a moment.
- Nothing here looks at files; times are those of the caller's clock, in seconds.
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Final

QUIET: Final = 1.0
"""Time after the last write from which an open file is read up to where it is."""
GRACE: Final = 0.1
"""Time that a missing file has to come back."""
SETTLE: Final = 0.05
"""Time since the last change after which a file that a survey found, without an event, counts as closed."""
EMPTY: Final = 0.1
"""Time that a closed file must stay empty to count as empty."""


class Motion(Enum):
    """The state of a file that is changing."""

    CREATED = "created"
    WRITTEN = "written"
    CLOSED = "closed"
    EMPTIED = "emptied"
    GONE = "gone"


class Pending:
    """The files that are being changed, each with the time at which to read it."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[float, Motion]] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def is_open(self, path: str) -> bool:
        """Whether a writer was last seen to have it open."""
        return path in self._files and self._files[path][1] is Motion.WRITTEN

    def created(self, path: str, now: float) -> None:
        """The file has appeared; its content may not be written yet."""
        self._files[path] = now + SETTLE, Motion.CREATED

    def written(self, path: str, now: float) -> None:
        """Something was written to it, and it is still open."""
        self._files[path] = now + QUIET, Motion.WRITTEN

    def closed(self, path: str, now: float) -> None:
        """It is complete."""
        self._files[path] = now, Motion.CLOSED

    def found(self, path: str, modified: float, now: float) -> None:
        """It has changed, at MODIFIED; whether the writer is done is not known."""
        self._files[path] = min(now + SETTLE, max(now, modified + SETTLE)), Motion.CLOSED

    def replaced(self, path: str, now: float) -> None:
        """Another file is at this path, and there was no event about the one that was open."""
        self._files[path] = now + QUIET, Motion.CLOSED

    def empty(self, path: str, motion: Motion, now: float) -> None:
        """It was read after MOTION, and is empty."""
        if motion is Motion.CLOSED:
            self._files[path] = now + EMPTY, Motion.EMPTIED
        else:
            self.open(path)

    def open(self, path: str) -> None:
        """It is open; a write or a close will follow."""
        self._files[path] = inf, Motion.WRITTEN

    def gone(self, path: str, now: float, *, moved: bool = False) -> None:
        """There is no such file now; MOVED: the other path by which it is found is known."""
        self._files[path] = now + (0 if moved else GRACE), Motion.GONE

    def lost(self, now: float) -> None:
        """The event that a file was closed may have been lost."""
        for path, (time, motion) in self._files.items():
            if time == inf:
                self._files[path] = now + QUIET, motion

    def due(self, now: float) -> list[tuple[str, Motion]]:
        """The files that are due; they are no longer pending."""
        due = [(path, motion) for path, (time, motion) in self._files.items() if time <= now]
        for path, _ in due:
            del self._files[path]
        return due

    def next(self) -> float:
        """When the next one is due; infinity: none is."""
        return min((time for time, _ in self._files.values()), default=inf)
