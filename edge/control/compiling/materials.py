"""The TlsMaterial records: authorities and client certificates for connections to endpoints, while a route names
them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.records import material_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.table.record import Record
    from edge.table.records import TlsMaterial


class Materials:
    """All that are in use."""

    def __init__(self) -> None:
        self._users: dict[str, int] = {}
        self._changed: dict[str, Record | None] = {}

    def replace(self, old: Iterable[TlsMaterial], new: Iterable[TlsMaterial]) -> None:
        """An object needs NEW instead of OLD."""
        for material in new:
            key = _key(material)
            if key not in self._users:
                self._changed[key] = material
            self._users[key] = self._users.get(key, 0) + 1
        for material in old:
            key = _key(material)
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                self._changed[key] = None

    def compile(self) -> dict[str, Record | None]:
        """The records that are new, and those that are not needed any more."""
        changed, self._changed = self._changed, {}
        return changed


def _key(material: TlsMaterial) -> str:
    return material_key(material.authorities, material.chain, material.key)
