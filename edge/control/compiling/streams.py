"""The StreamRoute records: which object's stream is in force, and for which scopes there are streams by server name. If
several objects ask for a stream for the same listener or TLS server name, the oldest one gets it, as for paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.kinds.problems import Problem, error
from edge.table import describing
from edge.table.streams import SERVER_STREAM, SERVER_STREAMS, ServerStreams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import Order, StreamPart
    from edge.table.record import Record


class Streams:
    """All streams that objects ask for."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[ObjectId, tuple[Order, StreamPart]]] = {}
        """By key."""
        self._winners: dict[str, ObjectId] = {}
        self._dirty: set[str] = set()
        self._scopes: tuple[str, ...] = ()
        """Scopes with streams by TLS server name."""

    def replace(
        self, owner: ObjectId, order: Order, old: Mapping[str, StreamPart], new: Mapping[str, StreamPart]
    ) -> None:
        """OWNER asks for NEW instead of OLD."""
        for key in old.keys() - new.keys():
            del self._parts[key][owner]
            self._dirty.add(key)
        for key, part in new.items():
            self._parts.setdefault(key, {})[owner] = (order, part)
            self._dirty.add(key)

    def compile(self) -> tuple[dict[str, Record | None], set[ObjectId]]:
        """The records that may be different, and the objects whose problems may be."""
        records: dict[str, Record | None] = {}
        owners: set[ObjectId] = set()
        for key in self._dirty:
            parts = self._parts[key]
            before = self._winners.pop(key, None)
            if not parts:
                del self._parts[key]
                records[key] = None
                continue
            winner = self._winners[key] = min(parts, key=lambda owner: (parts[owner][0], owner))
            records[key] = parts[winner][1].stream
            if len(parts) > 1 or before != winner:
                owners.update(parts)
        if self._dirty:
            records.update(self._server_streams())
        self._dirty.clear()
        return records, owners

    def _server_streams(self) -> dict[str, Record | None]:
        """The record of the scopes with streams by server name, if it changes."""
        scopes = tuple(sorted({scope_of(key) for key in self._winners if key.startswith(SERVER_STREAM)}))
        if scopes == self._scopes:
            return {}
        self._scopes = scopes
        return {SERVER_STREAMS: ServerStreams(scopes) if scopes else None}

    def problems(self, owner: ObjectId, streams: Mapping[str, StreamPart]) -> Iterator[Problem]:
        """The STREAMS of OWNER that lose a conflict."""
        for key, part in streams.items():
            winner = self._winners.get(key, owner)
            if winner != owner:
                what = describing.stream_name(key, part.stream)
                yield error("StreamConflict", part.field, f"{winner} has {what} already, and is older; this is ignored")


def scope_of(key: str) -> str:
    """The scope of the stream of a server name that is under KEY."""
    return key.removeprefix(SERVER_STREAM).rpartition("|")[0]
