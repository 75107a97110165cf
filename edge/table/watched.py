"""Endpoints that somebody looks at, and how workers find them: small files beside the table.

Rules of this file:
- `watched` names the endpoints; the control plane writes it for as long as somebody looks. `watched.<slot>` is what the
  worker of that slot says of them, once a second. Both are replaced as a whole.
- While nobody looks there is no file, and a worker spends one system call a second on that.
- What is old, or cannot be read, says nothing.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME: Final = "watched"
MOST: Final = 2000
"""Endpoints at a time."""
KEPT: Final = 10.0
"""Seconds for which an endpoint is watched after somebody has looked at it."""
FRESH: Final = 5.0
"""Seconds after which what a worker says is old."""


class Health(msgspec.Struct, frozen=True, array_like=True):
    """An endpoint, as one worker knows it, or as all of them do."""

    in_flight: int
    ejected_for: float
    """Seconds for which it is still left out; 0: it is not."""


_names = msgspec.json.Decoder(tuple[str, ...]).decode
_reports = msgspec.json.Decoder(dict[str, Health]).decode


class Watch:
    """The control plane's side, in DIRECTORY; several threads may use it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def ask(self, names: Iterable[str]) -> None:
        """Have workers say from now on how they find the endpoints NAMES (`ADDRESS:PORT`)."""
        now = time.monotonic()
        with self._lock:
            self._until.update(dict.fromkeys(names, now + KEPT))
            self._write(now)

    def expire(self) -> None:
        """Watch nothing any more at which nobody looks; to be called every few seconds."""
        if self._until:
            with self._lock:
                self._write(time.monotonic())

    def health(self) -> dict[str, Health]:
        """What all workers say: the sum of what is in flight, and the longest ejection."""
        found: dict[str, Health] = {}
        for path in self._directory.glob(f"{NAME}.[0-9]*"):
            with suppress(OSError, msgspec.MsgspecError):
                if time.time() - path.stat().st_mtime > FRESH:
                    continue
                for name, one in _reports(path.read_bytes()).items():
                    known = found.get(name, Health(0, 0.0))
                    longest = max(one.ejected_for, known.ejected_for)
                    found[name] = Health(one.in_flight + known.in_flight, longest)
        return found

    def _write(self, now: float) -> None:
        self._until = {name: until for name, until in self._until.items() if until > now}
        path = self._directory / NAME
        with suppress(OSError):
            if self._until:
                _replace(path, msgspec.json.encode(tuple(self._until)[:MOST]))
            else:
                path.unlink(missing_ok=True)


class Watched:
    """A worker's side, in DIRECTORY, for the worker in SLOT."""

    def __init__(self, directory: Path, slot: int) -> None:
        self._asked = directory / NAME
        self._said = directory / f"{NAME}.{slot}"
        self._says = False

    def wanted(self) -> frozenset[str]:
        """The endpoints that somebody looks at now."""
        try:
            if time.time() - self._asked.stat().st_mtime <= KEPT + FRESH:
                return frozenset(_names(self._asked.read_bytes()))
        except (OSError, msgspec.MsgspecError):
            pass
        return frozenset()

    def say(self, found: dict[str, Health]) -> None:
        """Write FOUND for the control plane; empty: remove what was written."""
        with suppress(OSError):
            if found:
                self._says = True
                _replace(self._said, msgspec.json.encode(found))
            elif self._says:
                self._says = False
                self._said.unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
