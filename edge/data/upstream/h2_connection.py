"""A connection to an endpoint that speaks HTTP/2, and its concurrent requests (RFC 9113).

Rules of this file:
- It reads until it ends, and waits without a greenlet (`Resumable`); requests that send do not wait for it.
- It is used after the endpoint's settings have arrived: an endpoint that does not speak HTTP/2 fails as a connection,
  before a request is sent.
- Its end ends all its requests. Those that a GOAWAY excludes were not processed by the endpoint, and may be retried on
  another one.
- A connection that is silent for long while requests wait must answer a PING, and gets no further request until then.
"""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from edge.data.http.h2._client import ClientSession
from edge.data.http.h2._session import (
    DATA_COME,
    HEAD_COME,
    MESSAGE_ENDED,
    PEER_LEAVING,
    STREAM_RESET,
    WINDOW_OPEN,
)
from edge.data.http.h2.errors import ErrorCode, Http2Error
from edge.data.net._waiter import Turn
from edge.data.net.errors import IncompleteResponse, ResponseError, StreamClosed, StreamError, StreamTimeout
from edge.data.upstream.h2 import H2Upstream, Keeper

if TYPE_CHECKING:
    from edge.data.http._fields import Limits
    from edge.data.http.h2._streams import H2Stream
    from edge.data.net._stream import Stream
    from edge.data.upstream.target import Target

MOST_STREAMS = 128
"""Concurrent requests on one connection, even if the endpoint allows more: so many at most are lost with it."""
MOST_SPARE = 256
"""Halves that are kept for further requests, of a worker."""
LONGEST_LIFE = 3600.0
"""Seconds after which a connection takes no further request, as those of HTTP/1.1."""
SILENCE = 330.0
"""Seconds of silence after which PING is sent: servers of gRPC reject shorter intervals than 300."""
ANSWER = 20.0
"""Seconds within which PING must be answered."""
DOUBT = 5.0
"""Seconds of silence of a connection after which an abandoned request causes a PING."""
FOREVER = 1e9
"""Seconds."""


class H2Connection(Keeper):
    """A connection to TARGET."""

    def __init__(self, target: Target, stream: Stream, limits: Limits, spares: list[H2Upstream]) -> None:
        """LIMITS: of the heads of responses. SPARES: halves to use again, shared by all connections."""
        self.client = ClientSession(limits, MOST_STREAMS)
        super().__init__(stream, self.client)
        stream.to_endpoint = True
        self.target = target
        self.name = target.name
        self.scheme = b"https" if target.transport.tls is not None else b"http"
        self.made = stream.active
        self.idle_since = 0.0
        """Monotonic seconds; 0: in use."""
        self.over = False
        self._probed = False
        """Whether PING has been sent, and nothing has arrived since."""
        self._awaited = False
        """More frames are waited for."""
        self._spares = spares

    def begin(self, timeout: float) -> None:
        """Speak first, and wait for the endpoint's settings, TIMEOUT seconds at most.

        Raises:
            Http2Error: the endpoint does not speak HTTP/2.
            StreamError: it has closed the connection, or sent nothing.
        """
        stream, session = self.stream, self.client
        stream.read_timeout = stream.write_timeout = timeout
        stream.expire_in(timeout)
        session.begin(0)
        self.schedule()
        while not session.settled:
            if session.next(stream) or session.settled:
                continue
            if not stream.fill(True):
                raise StreamClosed("closed by the endpoint", stream)
        stream.expire_in(0)
        self.idle_since = monotonic()
        stream.write_timeout = FOREVER  # each request has its own
        Turn().call(self)  # in its own turn: the caller must have stored it before it can end

    # --- requests -------------------------------------------------------------------------------------------------

    def has_room(self, check: bool) -> bool:
        """Whether it takes a further request; CHECK looks at the socket if no request runs: bytes that wait there may
        be the end."""
        if self._probed or self.client.room() <= 0 or self.stream.active - self.made >= LONGEST_LIFE:
            return False
        return not check or not self.idle_since or self.stream.usable()

    def upstream(self) -> H2Upstream:
        """A half for a further request."""
        if self.idle_since:
            self.idle_since = 0.0
            self.stream.restart(SILENCE)
        upstream = self._spares.pop() if self._spares else H2Upstream()
        upstream.join(self)
        return upstream

    def release(self, upstream: H2Upstream, again: bool) -> None:
        """As `Keeper`."""
        session = self.client
        session.done(upstream.flow)
        if again and len(self._spares) < MOST_SPARE:
            self._spares.append(upstream)
        else:
            upstream.flow.owner = None
        if self.over:
            return
        self.rest()
        if not again and not self._probed and self.stream.silence > DOUBT:
            self._probe()
        self.schedule()

    def rest(self) -> None:
        """As `Keeper`."""
        if not self.client.running:
            if not self.target.users:
                self.retire()  # it may not be among the shared ones, which retire with their target
            self.idle_since = monotonic()
            if not self._probed:
                self.stream.restart(FOREVER)

    def all_sent(self) -> None:
        """As `Carrier`."""
        session = self.client
        if not session.running and (session.ending or session.leaving):
            self.stream.close()

    def open(self, check: bool) -> bool:  # noqa: ARG002 - a greenlet watches it
        """As `Idle`."""
        return not self.over

    def retire(self) -> None:
        """Take no further request, and end when the last one has."""
        if not self.client.ending:
            self.client.go_away(ErrorCode.NO_ERROR, True)
            self._leave()
            self.schedule()

    def close(self) -> None:
        """End at once."""
        self.stream.close()
        self._leave()

    # --- reading --------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Read until there is something to wait for, or the end."""
        error: Exception
        try:
            if not self._read():
                return
            error = IncompleteResponse("the endpoint closed the connection")
        except Http2Error as fault:
            self.client.go_away(fault.code, True)
            with suppress(StreamError):
                if not self.writing:
                    self.stream.offer(self.client.out)
            error = ResponseError(f"HTTP/2: {fault}")
        except StreamTimeout:
            error = StreamClosed("no answer to PING", self.stream)
        except StreamError as fault:
            error = fault
        self._end(error)

    def _read(self) -> bool:
        """Read until there is something to wait for, False, or the end."""
        stream, session = self.stream, self.client
        while True:
            if self._awaited:
                self._awaited = False
                if not self._fill():
                    return True
                session.relax(stream.active)
            event = session.next(stream)
            if event:
                self._handle(event, session.stream)
                continue
            if len(session.out):
                self.schedule()
            if not self._probed:
                stream.read_timeout = SILENCE if session.running else FOREVER
            self._awaited = True
            if stream.await_read(self):
                return False

    def _fill(self) -> bool:
        """Read what is available; False: the connection has ended."""
        stream = self.stream
        while True:
            try:
                if not stream.fill(True):
                    return False
            except StreamTimeout:
                if self._probed:
                    raise
                self._probe()
            else:
                self._probed = False
                return True

    def _probe(self) -> None:
        """Send a PING."""
        self._probed = True
        self.client.ping()
        self.schedule()
        self.stream.restart(ANSWER)

    def _handle(self, event: int, flow: H2Stream) -> None:
        """Handle EVENT, which may be about FLOW."""
        if event == WINDOW_OPEN:
            if self.waiting:
                self.schedule()
            return
        if event == PEER_LEAVING:
            self._leave()
            refused = self.client.refused
            while refused:
                refused.pop().owner.refuse()
            self.schedule()
            return
        upstream: H2Upstream = flow.owner
        if event == DATA_COME:
            upstream.inbox.take(self.stream, self.client.count)
        elif event == HEAD_COME:
            upstream.headed()
        elif event == MESSAGE_ENDED:
            upstream.inbox.waiter.wake()
        elif event == STREAM_RESET:
            upstream.reset()

    # --- the end --------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Remove this connection from the shared ones, so that no new request uses it."""
        if self in self.target.shared:
            self.target.shared.remove(self)

    def _end(self, error: Exception) -> None:
        self.over = True
        self._leave()
        self.stream.close()
        for flow in self.client.streams.values():
            flow.owner.lose(error)
        for upstream in [one for one in self._spares if one.connection is self]:  # they refer to this connection
            upstream.flow.owner = None
            self._spares.remove(upstream)
