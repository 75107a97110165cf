"""Which records objects use, and when the others go.

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
        """When records that are not used go (monotonic seconds); 0: not said yet."""

    def add(self, owner: ObjectId, key: str, how: How) -> None:
        """OWNER uses KEY."""
        self._users.setdefault(key, {})[owner] = how
        self.changed.add(key)

    def remove(self, owner: ObjectId, key: str) -> None:
        """OWNER uses KEY no more."""
        users = self._users.get(key, {})
        if owner in users:
            del users[owner]
            self.changed.add(key)
            if not users:
                del self._users[key]
                self._unused[key] = 0.0

    def of(self, key: str) -> dict[ObjectId, How]:
        """Who uses KEY, and how."""
        return self._users.get(key, {})

    def settle(self, now: float) -> None:
        """Say of the records that have changed when they go, at NOW (monotonic seconds)."""
        for key in self.changed:
            if key in self._users:
                self._unused.pop(key, None)
            elif not self._unused.get(key):
                self._unused[key] = now + LINGER

    def expired(self, now: float) -> list[str]:
        """The records that go at NOW; they are not known any more."""
        gone = [key for key, deadline in self._unused.items() if deadline <= now]
        for key in gone:
            del self._unused[key]
        return gone

    @property
    def next_removal(self) -> float | None:
        """When the next record goes (monotonic seconds)."""
        return min(self._unused.values(), default=None)
