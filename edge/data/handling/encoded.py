"""A response's content in another coding than the endpoint's.

Rules of this file:
- Pieces are encoded as they come. What has been encoded goes out as soon as no more is at hand: a response that comes
  slowly, such as server-sent events, is not held back.
- Small pieces are encoded at once, large ones in a native thread: meanwhile the event loop serves others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import gevent
from gevent.threadpool import ThreadPool

from edge.data.http._content import Content
from edge.data.http.codings import encoder
from edge.data.net._buffer import Buffer

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange._outcome import Outcome
    from edge.table.policies.compression import Coding

PIECE: Final = 32768
"""Bytes that are given out at a time; they fit into a `Buffer`."""
THREADS: Final = 2


class Threads:
    """The threads of one worker in which large pieces are encoded; they start with the first one."""

    def __init__(self) -> None:
        self._pool: ThreadPool | None = None

    def run(self, work: Callable[..., bytes], *arguments: bytes) -> bytes:
        """Run WORK with ARGUMENTS; returns its result."""
        if self._pool is None:
            self._pool = ThreadPool(THREADS)
        result: bytes = self._pool.apply(work, arguments)
        return result


class Encoded(Content):
    """CONTENT in a CODING."""

    def __init__(
        self, content: Content, coding: Coding, size: int, at_hand: Callable[[], bool], threads: Threads
    ) -> None:
        """SIZE: bytes of CONTENT, below 0: not known. AT_HAND: whether more of it can be read without waiting."""
        self.buffer = Buffer()  # type: ignore[misc]  # only for readers it cannot be set
        self.trailers = b""
        self._content = content
        self._encoder = encoder(coding.name, coding.level, size)
        self._at_hand = at_hand
        self._threads = threads
        self._taken = 0
        self._kept = 0
        """Bytes taken since the last flush; some of them may not be encoded yet."""
        self._made = b""
        self._ended = False

    def fill(self) -> int:
        """As `Content`."""
        while not self._made and not self._ended:
            self._made = self._next()
        piece, self._made = self._made[:PIECE], self._made[PIECE:]
        self.buffer.feed(piece)
        self.received += len(piece)  # type: ignore[misc]
        self.done = self._ended and not self._made  # type: ignore[misc]
        return len(piece)

    def finish(self) -> bool:
        """As `Content`."""
        return self.done and not len(self.buffer)

    def account(self, outcome: Outcome) -> None:
        """Count in OUTCOME the bytes that the endpoint has sent, instead of those that were encoded."""
        outcome.content_sent = outcome.upstream_content - self._taken
        outcome.upstream_content = self._taken

    def _next(self) -> bytes:
        """Read a piece and encode it; there may be no output yet."""
        content, made = self._content, b""
        count = content.fill()
        if count:
            self._taken += count
            made = self._encode(content.buffer.take(count))
        if not count or content.done:
            self._ended = True
            self.trailers = content.trailers
            return made + self._run(self._encoder.finish, self._kept)
        if not self._at_hand():
            gevent.sleep(0)  # it may be on its way, and others have their turn
            if not self._at_hand():
                made += self._run(self._encoder.flush, self._kept)
                self._kept = 0
        return made

    def _encode(self, piece: bytes) -> bytes:
        self._kept += len(piece)
        return self._run(self._encoder.encode, len(piece), piece)

    def _run(self, work: Callable[..., bytes], cost: int, *arguments: bytes) -> bytes:
        """What WORK gives that takes as long as COST bytes do."""
        if cost <= self._encoder.inline:
            return work(*arguments)
        return self._threads.run(work, *arguments)
