"""How streams of HTTP/2 send on one connection (RFC 9113, section 5.2; RFC 9218).

Rules of this file:
- Streams put frames into one outbox while there is room; a stream with more waits for its turn. The outbox is sent once
  in a round of the event loop; a greenlet is needed only while the socket is full.
- Turns are ordered by urgency, then by the time at which streams began to wait; a stream goes to the end of its urgency
  after each frame, unless it is not incremental.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from edge.data.net._buffer import Buffer
from edge.data.net._scheduler import Resumable
from edge.data.net._waiter import Waiter
from edge.data.net.errors import StreamError

if TYPE_CHECKING:
    from edge.data.http.h2._session import Session
    from edge.data.http.h2._streams import H2Stream
    from edge.data.net._stream import Stream

MOST_OUT = 65536
"""Bytes in the outbox above which streams wait: a more urgent message waits for so many."""
PIECE = 32768
"""Bytes of a whole content that wait for their turn at a time."""
NOTHING = Buffer()


class Carrier(Resumable):
    """A connection, as its streams see it. Between two reads it waits without a greenlet.

    - `waiting`: the senders that have content for which there was no room.
    """

    def __init__(self, stream: Stream, session: Session) -> None:
        self.stream = stream
        self.session = session
        self.waiting: list[Sender] = []
        self.writing = False
        """Whether the socket was full."""
        self._turn = 0
        self._scheduled = False
        self._callback = gevent.get_hub().loop.run_callback

    def schedule(self) -> None:
        """Send the outbox in this round of the event loop."""
        if not self._scheduled and not self.writing:
            self._scheduled = True
            self._callback(self._flush)

    def all_sent(self) -> None:
        """Everything that could be sent has been sent."""

    def room(self) -> int:
        """Bytes of content that may be put into the outbox now by a stream that has not waited."""
        return 0 if self.waiting else MOST_OUT - len(self.session.out)

    def wait(self, sender: Sender) -> None:
        """Put the content of SENDER into the outbox when it is its turn."""
        self._turn += 1
        sender.turn = self._turn
        self.waiting.append(sender)

    def _flush(self) -> None:
        self._scheduled = False
        if self.writing:
            return
        try:
            if not self._send():
                self.writing = True
                gevent.spawn_raw(self._write)
        except StreamError:
            self.stream.close()

    def _write(self) -> None:
        """As `_flush`, while the socket is full."""
        try:
            while True:
                self.stream.wait_writable()
                if self._send():
                    break
        except StreamError:
            self.stream.close()
        finally:
            self.writing = False

    def _send(self) -> bool:
        """Send as much as the socket accepts; returns whether nothing is left to send."""
        out = self.session.out
        while True:
            if self.waiting:
                self._feed()
            if not len(out):
                break
            if not self.stream.offer(out):
                return False
        self.all_sent()
        return True

    def _feed(self) -> None:
        """Put content of the streams that wait into the outbox, a frame at a time, while there is room."""
        session, waiting = self.session, self.waiting
        while len(session.out) < MOST_OUT:
            best: Sender | None = None
            for sender in waiting:
                if sender.flow.send_window > 0 and (best is None or sender.goes_before(best)):
                    best = sender
            if best is None or not best.feed():
                return
            if not best.left:
                waiting.remove(best)
            elif not best.flow.whole:
                self._turn += 1
                best.turn = self._turn


class Sender:
    """Sends the content of one stream after another.

    - `left`: bytes of the content that waits for its turn; `turn`: since when, in turns. `timeout`: seconds for which
      the peer may accept nothing.
    """

    def __init__(self) -> None:
        self.turn = self.left = 0
        self.timeout = 0.0
        self.room = Waiter()
        self._source = NOTHING
        self._last = False

    def open(self, carrier: Carrier, flow: H2Stream, timeout: float) -> None:
        """Begin with FLOW on CARRIER."""
        self.carrier = carrier
        self.session = carrier.session
        self.flow = flow
        self.left = 0
        self.timeout = timeout
        self.room.renew()

    def send(self, source: Buffer, count: int, last: bool) -> None:
        """Send the first COUNT bytes of SOURCE when it is its turn and the windows have room; LAST: they are the end.

        Raises:
            StreamTimeout: the peer accepts nothing.
            Exception: what `fail` was given.
        """
        carrier, session, flow = self.carrier, self.session, self.flow
        room = carrier.room()
        while room > 0:
            put = session.send_from(flow, source, count, last)
            if not put:
                break
            count -= put
            room -= put
            if not count:
                carrier.schedule()
                return
        self._source, self._last, self.left = source, last, count
        carrier.wait(self)
        carrier.schedule()
        try:
            while self.left:
                self.room.wait(self.timeout)
        finally:
            self._source = NOTHING
            self._drop()

    def send_all(self, content: bytes) -> None:
        """Send CONTENT, the whole of it and the end, as `send`."""
        at = 0
        room = self.carrier.room()
        while room > 0 and at < len(content):
            put = self.session.send(self.flow, content, at, True)
            if not put:
                break
            at += put
            room -= put
        self.carrier.schedule()
        while at < len(content):
            piece = content[at : at + PIECE]
            at += PIECE
            buffer = Buffer()
            buffer.feed(piece)
            self.send(buffer, len(piece), at >= len(content))

    def feed(self) -> bool:
        """Put a frame of the waiting content into the outbox; returns whether there was room in the windows."""
        put = self.session.send_from(self.flow, self._source, self.left, self._last)
        if not put:
            return False
        self.left -= put
        if self.left:
            self.room.extend(self.timeout)
        else:
            self.room.wake()
        return True

    def goes_before(self, other: Sender) -> bool:
        """Whether this one has its turn before OTHER."""
        mine, others = self.flow.urgency, other.flow.urgency
        return mine < others or (mine == others and self.turn < other.turn)

    def fail(self, error: Exception) -> None:
        """Nothing more can be sent because of ERROR: end the wait."""
        self.room.fail(error)
        self._drop()

    def _drop(self) -> None:
        """Stop waiting for a turn."""
        if self.left:
            self.left = 0
            self.carrier.waiting.remove(self)
