"""The content of a request that has been read already, to be read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http._content import Content
from edge.data.net._buffer import Buffer

if TYPE_CHECKING:
    from edge.data.net.spool import Spool


class Kept(Content):
    """The content of SPOOL, from its beginning."""

    def __init__(self, spool: Spool) -> None:
        self.buffer = Buffer()  # type: ignore[misc]  # only for readers it cannot be set
        self.trailers = b""
        self._spool = spool

    def fill(self) -> int:
        """As `Content`.

        Raises:
            SpoolError: it cannot be read.
        """
        if self.done:
            return 0
        piece = self._spool.read(self.received)
        count = len(piece)
        if count:
            self.buffer.feed(piece)
            self.received += count  # type: ignore[misc]
        self.done = self.received == self._spool.size  # type: ignore[misc]
        return count

    def finish(self) -> bool:
        """As `Content`."""
        return self.done and not len(self.buffer)
