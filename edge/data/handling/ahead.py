"""A response's content that is read ahead of its client.

Rules of this file:
- A greenlet reads the endpoint and puts what comes into a `Spool`; the handler takes it out in the same order. Where
  the client is as fast as the endpoint, nothing goes to the file.
- When the endpoint has sent everything it is free, however long the client takes.
- A disk that fails costs no response: it is read as fast as the client takes it, as without reading ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import gevent
from gevent.event import Event

from edge.data.http._content import Content
from edge.data.net._buffer import Buffer
from edge.data.net.spool import PIECE, Spool, SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.upstream import Upstream
    from edge.data.http._fields import FieldLines
    from edge.data.net.spool import Spools
    from edge.table.policies import ResponseBuffering

LEAST: Final = PIECE
"""Bytes of memory below which no limit makes sense: a piece must fit."""


class Ahead(Content):
    """The content of UPSTREAM's response, as a client takes it.

    - `section`: the trailer section, when all has been read.
    """

    def __init__(self, upstream: Upstream, spools: Spools, policy: ResponseBuffering, free: Callable[[], None]) -> None:
        """Start, on the terms of POLICY; FREE is called when the endpoint has sent everything."""
        self.buffer = Buffer()  # type: ignore[misc]  # only for readers it cannot be set
        self.trailers = b""
        self.section: FieldLines | None = None
        self._upstream = upstream
        self._memory = max(policy.memory, LEAST)
        self._most = self._memory + policy.file
        self._free = free
        self._spool = Spool(spools, self._memory)
        self._offset = 0
        self._ended = False
        self._fault: Exception | None = None
        self._more, self._drained = Event(), Event()
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """End at once."""
        self._greenlet.kill()

    # --- from the endpoint ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        content = self._upstream.content
        try:
            while count := content.fill():
                self._put(content.buffer.take(count))
            self.trailers = content.trailers  # known before the last piece is taken: it may not end the response
            self.section = self._upstream.trailers() if content.trailers else None
            self._free()
        except Exception as error:  # noqa: BLE001 - raised again where it is accounted for
            self._fault = error
        finally:
            self._ended = True
            self._more.set()

    def _put(self, piece: bytes) -> None:
        while self._spool.size + len(piece) > self._most and self._offset < self._spool.size:
            self._drained.clear()
            self._drained.wait()
        if self._offset == self._spool.size:
            self._spool.clear()
            self._offset = 0
        try:
            self._spool.append(piece)
        except SpoolError:
            self._most = self._memory  # what could not be written is still in memory
        self._more.set()
        gevent.sleep(0)  # a client that takes it now needs no file

    # --- to the client --------------------------------------------------------------------------------------------

    def fill(self) -> int:
        """As `Content`; bytes that came before a fault are returned before its error is raised."""
        while self._offset == self._spool.size:
            if self._fault is not None:
                raise self._fault
            if self._ended:
                self.done = True  # type: ignore[misc]
                return 0
            self._drained.set()
            self._more.clear()
            self._more.wait()
        piece = self._spool.read(self._offset)
        count = len(piece)
        self.buffer.feed(piece)
        self._offset += count
        self.received += count  # type: ignore[misc]
        self.done = self._ended and self._fault is None and self._offset == self._spool.size  # type: ignore[misc]
        return count

    def at_hand(self) -> bool:
        """Whether more can be taken without waiting."""
        return self._offset < self._spool.size or self._ended

    def finish(self) -> bool:
        """As `Content`."""
        return self.done and not len(self.buffer)
