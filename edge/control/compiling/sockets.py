"""The Listeners record: the sockets that objects want, put together; several may want the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.records import LISTENERS, Listeners

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId
    from edge.table.record import Record
    from edge.table.records import Listening


class Sockets:
    """All sockets beside those of flags."""

    def __init__(self) -> None:
        self._wanted: dict[ObjectId, tuple[Listening, ...]] = {}
        self._dirty = False

    def replace(self, owner: ObjectId, sockets: tuple[Listening, ...]) -> None:
        """OWNER wants these SOCKETS and no others."""
        if sockets == self._wanted.get(owner, ()):
            return
        self._dirty = True
        if sockets:
            self._wanted[owner] = sockets
        else:
            del self._wanted[owner]

    def compile(self) -> dict[str, Record | None]:
        """The record, if it is to be another."""
        if not self._dirty:
            return {}
        self._dirty = False
        every = dict.fromkeys(one for owner in sorted(self._wanted) for one in self._wanted[owner])
        return {LISTENERS: Listeners(tuple(every)) if every else None}
