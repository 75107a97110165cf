"""The client's side of HTTP/2: one connection and its concurrent streams (RFC 9113).

Rules of this file:
- The connection reads, and waits without a greenlet (`Resumable`). Streams (`h2_stream`) run beside it, and none waits
  for another.
- A connection error ends it with GOAWAY, and all its streams, but no other connection.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from socket import IPPROTO_TCP
from typing import TYPE_CHECKING

from edge.data.connections.h2_stream import Http2Stream, Streams
from edge.data.http.h2._session import (
    ALL_COME,
    DATA_COME,
    HEAD_COME,
    HEAD_FAULTY,
    MESSAGE_ENDED,
    STREAM_RESET,
    WINDOW_OPEN,
    Session,
)
from edge.data.http.h2.errors import ErrorCode, Http2Error
from edge.data.net._waiter import Waiter
from edge.data.net.errors import PeerGone, StreamClosed, StreamError, StreamTimeout
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.connections.caller import Caller
    from edge.data.connections.connections import Connections
    from edge.data.http.forwarding import Forwarding
    from edge.data.http.h2._streams import H2Stream
    from edge.data.net._stream import Stream

log = logging.getLogger("edge.data")

UNSENT = 131072
"""Unsent bytes that the kernel buffers: a more urgent answer waits for them (tcp(7), TCP_NOTSENT_LOWAT)."""
TCP_NOTSENT_LOWAT = 25
FOREVER = 1e9
"""Seconds."""
LINGER_SECONDS = 2.0
LINGER_BYTES = 1 << 20
"""For how long, and how many bytes, are read and dropped after the last frame, so that the client can read it."""


class Http2(Streams):
    """A connection from a client."""

    def __init__(self, connections: Connections, stream: Stream, caller: Caller) -> None:
        super().__init__(stream, Session(connections.spare_streams, connections.limits, connections.most_streams))
        self.connections = connections
        self.caller = caller
        self.tunnels = 0
        self._served = 0
        self._full = False
        """GOAWAY has been sent because the connection has served its last request."""
        self._limited = False
        self._over = False
        """The last frame has been sent."""
        self._awaited = False
        """More frames are awaited."""
        self._report: Callable[[], None] | None = None
        self._ended: Waiter | None = None
        """Waits for the last stream to end."""

    @property
    def idle(self) -> bool:
        """Between requests: the connection may be closed."""
        return not self.session.running

    @property
    def upgraded(self) -> bool:
        """Only streams that carry another protocol are left."""
        return bool(self.tunnels) and self.tunnels == self.session.running

    def serve(self, over: Callable[[], None], seen: int = 0) -> None:
        """Serve requests until the connection ends, possibly after this has returned; then call OVER. SEEN bytes of the
        client's preface have been read already."""
        connections, stream, session = self.connections, self.stream, self.session
        stream.write_timeout = connections.body_timeout
        with suppress(OSError):
            stream.socket.setsockopt(IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT)
        self._report = over
        connections.open.add(self)
        session.begin(seen)
        if connections.draining:
            session.go_away(ErrorCode.NO_ERROR, False)
        self.resume()

    def resume(self) -> None:
        """Read until there is something to wait for, or the end."""
        ended = True
        try:
            ended = self._read()
        except Http2Error as error:
            log.debug("client %s: %s", self.caller.address, error)
            self.connections.counters.add(WorkerWord.BAD_REQUESTS, 1)
            self._say_goodbye(error.code)
        except StreamTimeout:
            if not self._over:
                self._say_goodbye(ErrorCode.ENHANCE_YOUR_CALM if self._limited else ErrorCode.NO_ERROR)
        except StreamError:
            pass
        except Exception:
            log.exception("connection from %s", self.caller.address)
        finally:
            if ended:
                self._end()

    def _end(self) -> None:
        report, self._report = self._report, None
        assert report is not None  # noqa: S101 - it ends once
        try:
            self._over = True
            self.stream.close()
            self._end_streams()
        finally:
            self.connections.open.discard(self)
            report()

    def retune(self, forwarding: Forwarding) -> None:
        """As `Connection`."""
        self.caller.renew(forwarding)

    def drain(self) -> None:
        """The worker stops: send GOAWAY, and serve the requests that the client has sent."""
        if not self.session.ending:
            self.session.go_away(ErrorCode.NO_ERROR, False)
            self.schedule()

    def close_idle(self) -> None:
        """Accept no more requests, and close the connection when all have been served."""
        if not self.session.ending:
            self._take_no_more()

    def close(self) -> None:
        """End streams that are not upgraded at once; the connection too, if no others are left."""
        if self.tunnels and not self.upgraded:
            for stream in self.session.streams.values():
                half = stream.owner
                if half is not None and not half.upgraded:
                    self.session.reset(stream, ErrorCode.CANCEL)
                    half.lose(StreamClosed("closed"))
            self.schedule()
        else:
            self.stream.close()

    # --- reading --------------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Read until there is something to wait for, False, or the end."""
        connections, stream, session = self.connections, self.stream, self.session
        while True:
            if self._awaited:
                self._awaited = False
                if not stream.fill(True):
                    return True
                session.relax(stream.active)
            event = session.next(stream)
            if event:
                self._handle(event, session.stream)
                continue
            if len(session.out):
                self.schedule()
            self._limit(bool(len(stream)) or session.in_head)
            if session.running:
                stream.read_timeout = FOREVER
            else:
                stream.read_timeout = connections.keep_alive if self._served else connections.header_timeout
            self._awaited = True
            if stream.await_read(self):
                return False

    def _handle(self, event: int, stream: H2Stream) -> None:
        """Handle EVENT, which may be about STREAM."""
        if event in (HEAD_COME, HEAD_FAULTY):
            self._begin(stream)
            return
        if event == WINDOW_OPEN:
            if self.waiting:
                self.schedule()
            return
        if event == ALL_COME:
            if not self.session.ending:
                self._take_no_more()
            return
        half: Http2Stream = stream.owner
        if event == DATA_COME:
            half.inbox.take(self.stream, self.session.count)
        elif event == MESSAGE_ENDED:
            half.inbox.waiter.wake()
        elif event == STREAM_RESET:
            half.lose(PeerGone("the client has reset the stream"))

    def _limit(self, partial: bool) -> None:
        """A frame, or a head of several frames, must be complete in time once it has begun."""
        if partial != self._limited:
            self._limited = partial
            self.stream.expire_in(self.connections.header_timeout if partial else 0)

    def _begin(self, stream: H2Stream) -> None:
        connections, half = self.connections, stream.owner
        connections.look()
        if half is None:
            half = Http2Stream(connections, stream)
        half.open(self)
        self._served += 1
        if 0 < connections.keep_alive_requests <= self._served and not self._full:
            self._full = True
            self.session.go_away(ErrorCode.NO_ERROR, False)
        half.start()

    # --- writing --------------------------------------------------------------------------------------------------

    def all_sent(self) -> None:
        """As `Carrier`."""
        if self.session.ending and not self.session.running and not self._over:
            self._over = True
            self.stream.shutdown_output()
            self.stream.restart(LINGER_SECONDS)

    # --- the end --------------------------------------------------------------------------------------------------

    def release(self, half: Http2Stream) -> None:
        """As `Streams`."""
        connections, session = self.connections, self.session
        session.done(half.flow)
        if len(connections.spare_streams) < connections.most_spare:
            connections.spare_streams.append(half.flow)
        else:
            half.forget()
        self.schedule()
        if not session.running:
            if self._ended is not None:
                self._ended.wake()
            elif not self._over:
                self.stream.restart(connections.keep_alive)

    def _take_no_more(self) -> None:
        self.session.go_away(ErrorCode.NO_ERROR, True)
        self.schedule()

    def _say_goodbye(self, code: ErrorCode) -> None:
        """End the connection with CODE, so that the client can read it."""
        self.session.go_away(code, True)
        self._over = True
        with suppress(StreamError):
            if not self.writing and self.stream.offer(self.session.out):
                self.stream.linger(LINGER_SECONDS, LINGER_BYTES)

    def _end_streams(self) -> None:
        """End the streams of a client that is gone, and wait until they have ended."""
        for stream in self.session.streams.values():
            stream.owner.lose(StreamClosed("the connection has ended"))
        while self.session.running:
            if self._ended is None:
                self._ended = Waiter()
            with suppress(StreamTimeout):
                self._ended.wait(FOREVER)
