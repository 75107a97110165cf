"""Which records objects use, and when unused ones are removed.

Rules of this file:
- A record outlives its last use for LINGER seconds: requests that have chosen their route already still need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId

LINGER: Final = 10.0
"""Seconds."""

How = TypeVar("How")
"""How an object uses a record."""


class Uses(Generic[How]):
    """The uses of records, which are known by their keys.

    - `changed`: records that may be different.
    """

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self._users: dict[str, dict[ObjectId, How]] = {}
        self._unused: dict[str, float] = {}
        """When unused records are removed (monotonic seconds); 0: not set yet."""

    def add(self, owner: ObjectId, key: str, how: How) -> None:
        """OWNER uses KEY."""
        self._users.setdefault(key, {})[owner] = how
        self.changed.add(key)

    def remove(self, owner: ObjectId, key: str) -> None:
        """OWNER no longer uses KEY."""
        users = self._users.get(key, {})
        if owner in users:
            del users[owner]
            self.changed.add(key)
            if not users:
                del self._users[key]
                self._unused[key] = 0.0

    def of(self, key: str) -> dict[ObjectId, How]:
        """The owners that use KEY, and how."""
        return self._users.get(key, {})

    def settle(self, now: float) -> None:
        """Set the time of removal of records that have changed, at NOW (monotonic seconds)."""
        for key in self.changed:
            if key in self._users:
                self._unused.pop(key, None)
            elif not self._unused.get(key):
                self._unused[key] = now + LINGER

    def expired(self, now: float) -> list[str]:
        """The records that are removed at NOW; they are forgotten."""
        gone = [key for key, deadline in self._unused.items() if deadline <= now]
        for key in gone:
            del self._unused[key]
        return gone

    @property
    def next_removal(self) -> float | None:
        """When the next record is removed (monotonic seconds)."""
        return min(self._unused.values(), default=None)
