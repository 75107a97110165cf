"""Endpoints whose health the control plane watches: small files beside the table.

Rules of this file:
- `watched` has the names of the endpoints; the control plane writes it while a client reads a route. `watched.<slot>`
  is the report of the worker of that slot, once a second. Both are replaced as a whole.
- Without clients there is no file, and a worker needs one system call a second.
- A report that is old, or cannot be read, is ignored.
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
"""Seconds for which an endpoint is watched after a client has read it."""
FRESH: Final = 5.0
"""Seconds after which the report of a worker is old."""


class Health(msgspec.Struct, frozen=True, array_like=True):
    """The health of an endpoint, of one worker or of all."""

    in_flight: int
    ejected_for: float
    """Seconds for which it is still ejected; 0: it is not."""


_names = msgspec.json.Decoder(tuple[str, ...]).decode
_reports = msgspec.json.Decoder(dict[str, Health]).decode


class Watch:
    """The control plane's side, in DIRECTORY; several threads may use it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def ask(self, names: Iterable[str]) -> None:
        """Make workers report on the endpoints NAMES (`ADDRESS:PORT`) from now on."""
        now = time.monotonic()
        with self._lock:
            self._until.update(dict.fromkeys(names, now + KEPT))
            self._write(now)

    def expire(self) -> None:
        """Stop watching endpoints that no client reads; to be called every few seconds."""
        if self._until:
            with self._lock:
                self._write(time.monotonic())

    def health(self) -> dict[str, Health]:
        """The reports of all workers: the sum of requests in flight, and the longest ejection."""
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
        """The endpoints that are watched now."""
        try:
            if time.time() - self._asked.stat().st_mtime <= KEPT + FRESH:
                return frozenset(_names(self._asked.read_bytes()))
        except (OSError, msgspec.MsgspecError):
            pass
        return frozenset()

    def say(self, found: dict[str, Health]) -> None:
        """Write FOUND for the control plane; empty: remove the report."""
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
