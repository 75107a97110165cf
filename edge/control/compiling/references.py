"""The Secrets and ConfigMaps that annotations name: the objects that name them, and their content.

Rules of this file:
- When an object changes, appears or disappears, everything that names it is translated again.
- An object that has not been read yet does not count as missing: routes that need it are closed until it is read, and
  nothing is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.compiling.store import Store
    from edge.control.kinds.core import ConfigMap, Secret
    from edge.control.kinds.objects import ObjectId


class References:
    """All that is named by annotations."""

    def __init__(self, store: Store, *, by_need: bool) -> None:
        """BY_NEED: see `edge.control.sources.source.Source`."""
        self._store = store
        self._by_need = by_need
        self._owners: dict[ObjectId, set[ObjectId]] = {}
        self._released: set[ObjectId] = set()
        self.version = 0
        """Incremented with each change of `names`."""

    def replace(self, owner: ObjectId, old: Iterable[ObjectId], new: Iterable[ObjectId]) -> None:
        """OWNER names the objects in NEW instead of those in OLD."""
        before, after = set(old), set(new)
        for name in after - before:
            if name not in self._owners:
                self._owners[name] = set()
                self._released.discard(name)
                self.version += 1
            self._owners[name].add(owner)
        for name in before - after:
            owners = self._owners[name]
            owners.discard(owner)
            if not owners:
                del self._owners[name]
                self._released.add(name)
                self.version += 1

    @property
    def names(self) -> frozenset[ObjectId]:
        """The objects that are named."""
        return frozenset(self._owners)

    def owners(self, name: ObjectId) -> frozenset[ObjectId]:
        """What names the object NAME."""
        return frozenset(self._owners.get(name, ()))

    def take_released(self) -> set[ObjectId]:
        """What has been named, and is no longer, since the last call."""
        released, self._released = self._released, set()
        return released

    def find(self, name: ObjectId) -> Secret | ConfigMap | str | None:
        """The object NAME; text: why there is none that can be read; None: it has not been read yet."""
        found = self._store.referent(name)
        if found is not None:
            return found
        if self._by_need and not self._store.is_reported(name.kind, (name.namespace, name.name)):
            return None
        unreadable = self._store.faults(name)
        return f"{name} cannot be read: {unreadable[0]}" if unreadable else f"{name} does not exist"
