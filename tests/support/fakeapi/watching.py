"""The stream of a watch: events of one collection from a version on, as JSON lines.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec

from tests.support.fakeapi.errors import StatusError
from tests.support.fakeapi.resources import Resource
from tests.support.fakeapi.selectors import Test
from tests.support.fakeapi.store import Collection, LogEntry, Store, Stored

Encode = Callable[[Stored], bytes]


def line(kind: str, body: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"


def error(status: StatusError) -> bytes:
    return line("ERROR", msgspec.json.encode(status.body()))


def expired() -> StatusError:
    return StatusError(410, "Expired", "too old resource version")


class InterruptionError(Exception):
    """The test wants the stream to break off; `how` says in which way."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Watch:
    """One running watch; iterate over the bytes to send."""

    def __init__(
        self,
        store: Store,
        collection: Collection,
        *,
        version: int,
        selects: Test,
        encode: Encode,
        timeout: float,
        bookmarks: float | None,
    ) -> None:
        self._store = store
        self._collection = collection
        self._version = version
        self._selects = selects
        self._encode = encode
        self._deadline = time.monotonic() + timeout
        self._bookmarks = bookmarks
        self._interruption = ""

    @property
    def resource(self) -> Resource:
        return self._collection.resource

    def interrupt(self, how: str) -> None:
        """Break the stream off: drop, end, stall, torn or error-event."""
        with self._collection.changed:
            self._interruption = how
            self._collection.changed.notify_all()

    def __iter__(self) -> Iterator[bytes]:
        next_bookmark = time.monotonic() + self._bookmarks if self._bookmarks else self._deadline
        while True:
            with self._collection.changed:
                entries = self._take(min(next_bookmark, self._deadline))
                version = self._store.version
            if entries:
                yield b"".join(filter(None, map(self._event, entries)))
                self._version = entries[-1].version
                continue
            now = time.monotonic()
            if now >= self._deadline:
                return
            if now >= next_bookmark:
                self._version = max(self._version, version)
                yield self.bookmark(self._version)
                next_bookmark = now + (self._bookmarks or 0)

    def bookmark(self, version: int) -> bytes:
        resource = self._collection.resource
        body = {
            "kind": resource.kind,
            "apiVersion": resource.api_version,
            "metadata": {"resourceVersion": str(version)},
        }
        return line("BOOKMARK", msgspec.json.encode(body))

    def _take(self, until: float) -> list[LogEntry]:
        """The next changes, empty at the time UNTIL; called with the lock held."""
        while True:
            if self._interruption:
                raise InterruptionError(self._interruption)
            if self._version < self._collection.forgotten:
                raise expired()
            entries = self._collection.since(self._version)
            left = until - time.monotonic()
            if entries or left <= 0:
                return entries
            self._collection.changed.wait(left)

    def _event(self, entry: LogEntry) -> bytes:
        was = entry.before is not None and self._selects(entry.before.object)
        now = entry.after is not None and self._selects(entry.after.object)
        if now and entry.after is not None:
            return line("MODIFIED" if was else "ADDED", self._encode(entry.after))
        if was and entry.before is not None:
            return line("DELETED", self._encode(entry.before))
        return b""
