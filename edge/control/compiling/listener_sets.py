"""The ListenerSets of each Gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from edge.control.kinds.listener_sets import ListenerSet
from edge.control.kinds.objects import ObjectId

if TYPE_CHECKING:
    from edge.control.compiling.store import Store
    from edge.control.kinds.objects import Key


class ListenerSets:
    """Those of STORE, by the Gateway that they name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_gateway: dict[Key, set[Key]] = {}
        self._gateways: dict[Key, Key] = {}
        """The Gateway that each ListenerSet names."""

    def changed(self, key: Key) -> set[Key]:
        """The ListenerSet KEY has changed; returns the Gateways whose ListenerSets change by that."""
        found = self._get(key)
        before, after = self._gateways.pop(key, None), found.gateway if found is not None else None
        if before is not None and before != after:
            sets = self._by_gateway[before]
            sets.discard(key)
            if not sets:
                del self._by_gateway[before]
        if after is not None:
            self._gateways[key] = after
            self._by_gateway.setdefault(after, set()).add(key)
        return {one for one in (before, after) if one is not None}

    def of(self, gateway: Key) -> list[ListenerSet]:
        """The ListenerSets that name GATEWAY, the older one first, then by namespace and name."""
        found = [one for key in self._by_gateway.get(gateway, ()) if (one := self._get(key)) is not None]
        return sorted(found, key=lambda one: one.order)

    def _get(self, key: Key) -> ListenerSet | None:
        return cast("ListenerSet | None", self._store.get(ObjectId(ListenerSet.kind, *key)))
