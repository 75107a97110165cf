"""DNS names: their addresses, and the records that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


class Resolution(msgspec.Struct, frozen=True, gc=False):
    """The addresses of a DNS name."""

    addresses: tuple[str, ...] = ()
    fault: str = ""
    """Why it has no addresses, or why they are those of an earlier look-up."""


class Names(Protocol):
    """The results of look-ups."""

    def look_up(self, name: str) -> Resolution | None:
        """The addresses of NAME; None: not known yet. Must not block."""


class Unresolved:
    """No name is known."""

    def look_up(self, name: str) -> Resolution | None:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return None


class NamesInUse:
    """The names that records of one kind need, each with the keys of these records."""

    def __init__(self) -> None:
        self._keys: dict[str, set[str]] = {}
        self.version = 0
        """Incremented when a record needs a name, or needs it no longer."""

    def all(self) -> frozenset[str]:
        """The names that are needed."""
        return frozenset(self._keys)

    def keys(self, name: str) -> AbstractSet[str]:
        """The keys of the records that need NAME."""
        return self._keys.get(name, frozenset())

    def add(self, name: str, key: str) -> None:
        """From now on the record KEY needs NAME; empty: nothing."""
        if name:
            self._keys.setdefault(name, set()).add(key)
            self.version += 1

    def discard(self, name: str, key: str) -> None:
        """From now on the record KEY does not need NAME, which may be empty."""
        if name:
            keys = self._keys[name]
            keys.discard(key)
            if not keys:
                del self._keys[name]
            self.version += 1
