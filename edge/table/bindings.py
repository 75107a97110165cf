"""The file with the sockets that the proxy listens on and those that it cannot open, for the control plane.

Rules of this file:
- The arbiter replaces the file as a whole after a change; a file that cannot be read counts as absent.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from edge.table.records import Listening  # noqa: TC001 - msgspec reads it

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME: Final = "unbound"


class Unbound(msgspec.Struct, frozen=True):
    """A socket that is wanted and could not be opened."""

    listening: Listening
    fault: str


class _Content(msgspec.Struct):
    unbound: tuple[Unbound, ...] = ()
    bound: tuple[Listening, ...] = ()


_decode = msgspec.json.Decoder(_Content).decode


def write(directory: Path, unbound: Iterable[Unbound], bound: Iterable[Listening] = ()) -> None:
    """Write UNBOUND, the sockets that cannot be opened, and BOUND, the open ones beside those of flags."""
    path = directory / NAME
    with suppress(OSError):  # the log has the error, too
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(_Content(tuple(unbound), tuple(bound))))
        fresh.replace(path)


class Bindings:
    """The file in DIRECTORY, as its reader last saw it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._seen: tuple[int, int] | None = None
        self.unbound: tuple[Unbound, ...] = ()
        self.bound: frozenset[Listening] = frozenset()

    def changed(self) -> bool:
        """Read it again; returns whether `unbound` or `bound` has changed."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_mtime_ns)
            if seen == self._seen:
                return False
            self._seen = seen
            found = _decode(self._path.read_bytes())
        except (OSError, msgspec.MsgspecError):
            found = _Content()
        before = self.unbound, self.bound
        self.unbound, self.bound = found.unbound, frozenset(found.bound)
        return (self.unbound, self.bound) != before
