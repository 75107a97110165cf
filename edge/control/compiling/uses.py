"""Which records objects use, and for which of them the DNS is asked.

Rules of this file:
- A record outlives its last use for LINGER seconds: requests that have chosen their route already still need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId

LINGER: Final = 10.0

How = TypeVar("How")
"""How an object uses a record."""


class Uses(Generic[How]):
    """The uses of records, which are known by their keys.

    - `changed`: records that may be different. `version`: grows with each change to `names`.
    """

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.version = 0
        self._users: dict[str, dict[ObjectId, How]] = {}
        self._unused: dict[str, float] = {}
        """When records that nobody uses go (monotonic seconds); 0: not said yet."""
        self._names: dict[str, str] = {}
        self._by_name: dict[str, set[str]] = {}

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

    # --- their end ------------------------------------------------------------------------------------------------

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
            self.stands_for(key, "")
        return gone

    @property
    def next_removal(self) -> float | None:
        """When the next record goes (monotonic seconds)."""
        return min(self._unused.values(), default=None)

    # --- names in the DNS -----------------------------------------------------------------------------------------

    @property
    def names(self) -> frozenset[str]:
        """The names that records in use stand for."""
        return frozenset(self._by_name)

    def name_of(self, key: str) -> str:
        """The name that KEY stands for; empty: none."""
        return self._names.get(key, "")

    def stands_for(self, key: str, name: str) -> None:
        """KEY stands for NAME; empty: for none."""
        before = self._names.pop(key, "")
        if name:
            self._names[key] = name
        if before == name:
            return
        if before:
            keys = self._by_name[before]
            keys.discard(key)
            if not keys:
                del self._by_name[before]
        if name:
            self._by_name.setdefault(name, set()).add(key)
        self.version += 1

    def name_changed(self, name: str) -> None:
        """NAME stands for something else."""
        self.changed |= self._by_name.get(name, set())
