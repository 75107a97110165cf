"""The last publications of the table: which objects had changed, which records that touched, how long it took.

Rules of this file:
- Only the thread that publishes writes. The work for this is small, whatever the size of a round.
- Of a large round the first names are kept, and how many there were.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.control.kinds.changes import Delete, Invalid, Upsert
from edge.control.kinds.objects import ObjectId
from edge.table.streams import is_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge.control.kinds.changes import Change

KEPT: Final = 300
FIRST: Final = 20
"""Names kept of each sort."""
APPLY, DELETE, INVALID = "apply", "delete", "invalid"


class Names(NamedTuple):
    """Some of many."""

    total: int
    first: tuple[str, ...]


class Entry(NamedTuple):
    """One publication."""

    number: int
    time: float
    """Unix seconds."""
    generation: int
    seconds: float | None
    """From the arrival of the first change until workers could see the table; None: nothing had arrived."""
    objects: int
    first: tuple[tuple[str, ObjectId], ...]
    """What happened to which object."""
    touched: dict[str, Names]
    appeared: int
    gone: int
    """Problems."""


class History:
    """The last `KEPT` publications."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._number = 0
        self._objects = 0
        self._first: list[tuple[str, ObjectId]] = []
        self._since = 0.0
        """When the first change of this round came, monotonic seconds; 0: none has."""

    def entries(self) -> list[Entry]:
        """All that are kept, oldest first; any thread may ask."""
        return list(self._entries)

    # --- for the one writer ---------------------------------------------------------------------------------------

    def heard(self, change: Change) -> None:
        """CHANGE is taken up in this round."""
        if isinstance(change, Upsert):
            action, name = APPLY, change.object.id
        elif isinstance(change, Delete):
            action, name = DELETE, ObjectId(change.kind, change.namespace, change.name)
        elif isinstance(change, Invalid):
            action, name = INVALID, ObjectId(change.kind, change.namespace, change.name or change.where)
        else:
            return
        self._objects += 1
        if len(self._first) < FIRST:
            self._first.append((action, name))
        self._since = min(self._since or change.at, change.at)

    def nothing(self) -> None:
        """The changes of this round have no effect."""
        if self._objects:
            self._forget()

    def note(
        self, touched: Mapping[str, Sequence[str]], generation: int, done: float, *, appeared: int, gone: int
    ) -> None:
        """The records TOUCHED, keys by part, were published as GENERATION.

        DONE: the moment from which on workers could see that, monotonic seconds. APPEARED, GONE: numbers of problems.
        """
        if not (appeared or gone or any(touched.values())):
            self.nothing()
            return
        names = {
            "hosts": _names(key or "any other host" for key in touched["routes"] if ":" not in key),
            "services": _names(touched["endpoints"]),
            "certificates": _names(key[2:] or "default" for key in touched["tls"] if key.startswith("c:")),
            "streams": _names(key for key in touched["routes"] if is_stream(key)),
        }
        self._number += 1
        entry = Entry(
            number=self._number,
            time=round(time.time(), 3),
            generation=generation,
            seconds=round(done - self._since, 6) if self._since else None,
            objects=self._objects,
            first=tuple(self._first),
            touched=names,
            appeared=appeared,
            gone=gone,
        )
        self._entries.append(entry)
        self._forget()

    def _forget(self) -> None:
        self._objects = 0
        self._first = []
        self._since = 0.0


def _names(names: Iterable[str]) -> Names:
    total, first = 0, []
    for name in names:
        total += 1
        if total <= FIRST:
            first.append(name)
    return Names(total, tuple(first))
