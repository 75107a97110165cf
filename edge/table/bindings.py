"""The file in which the proxy says what it cannot listen on, for the control plane to report.

Rules of this file:
- The arbiter replaces the file as a whole when something has changed; what cannot be read says nothing.
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


_decode = msgspec.json.Decoder(tuple[Unbound, ...]).decode


def write(directory: Path, unbound: Iterable[Unbound]) -> None:
    """From now on UNBOUND is what cannot be listened on."""
    path = directory / NAME
    with suppress(OSError):  # the log has it, too
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(tuple(unbound)))
        fresh.replace(path)


class Bindings:
    """The file in DIRECTORY, as its reader last saw it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._seen: tuple[int, int] | None = None
        self.unbound: tuple[Unbound, ...] = ()

    def changed(self) -> bool:
        """Look again; whether `unbound` is different now."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_mtime_ns)
            if seen == self._seen:
                return False
            self._seen = seen
            found = _decode(self._path.read_bytes())
        except (OSError, msgspec.MsgspecError):
            found = ()
        before, self.unbound = self.unbound, found
        return found != before
