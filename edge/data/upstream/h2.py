"""The endpoint's half of an exchange over HTTP/2: a stream of a connection that carries several (RFC 9113, section 5).

Rules of this file:
- Halves are reused for streams of any connection: `join` and `begin` set everything that a request needs.
- An abandoned request is reset at once (CANCEL), and a reset by the endpoint ends the exchange here.
- Timeouts measure silence of this stream, not of the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gevent

from edge.data.exchange.upstream import Upstream
from edge.data.http._message import NO_CONTENT, UNKNOWN_LENGTH
from edge.data.http.h2._client import new_stream
from edge.data.http.h2._content import Inbox
from edge.data.http.h2.errors import ErrorCode
from edge.data.http.h2.sending import Carrier, Sender
from edge.data.http.h2.tunnel_end import TunnelEnd
from edge.data.http.websocket import accept_of, key_of
from edge.data.net.errors import IncompleteResponse, ResponseError, StreamClosed, StreamTimeout

if TYPE_CHECKING:
    from edge.data.http._fields import FieldLines
    from edge.data.http._message import Message, Outgoing
    from edge.data.http.h2._client import ClientSession
    from edge.data.http.h2._streams import H2Stream
    from edge.data.net._buffer import Buffer
    from edge.data.net._scheduler import Resumable
    from edge.data.net.errors import StreamError

FOREVER = 1e9
"""Seconds."""
MOST_INTERIM = 32
"""Interim responses that wait to be passed on."""
CANCEL = int(ErrorCode.CANCEL)
CODES = {int(code): code.name for code in ErrorCode}
HANDED_ON = frozenset((ErrorCode.CANCEL, ErrorCode.ENHANCE_YOUR_CALM, ErrorCode.INADEQUATE_SECURITY))
"""Codes that are passed on to the client when a response has begun: gRPC clients make statuses of them. The others are
faults between Edge and the endpoint."""


class Keeper(Carrier):
    """A connection, as its requests see it.

    - `client`: its session. `name`: of the endpoint, for logs. `scheme`: of the URIs that are asked for.
    - `over`: it has ended.
    """

    client: ClientSession
    name: str
    scheme: bytes
    over: bool

    def release(self, upstream: H2Upstream, again: bool) -> None:
        """UPSTREAM has ended; AGAIN: it ended without an error, and may be reused."""
        raise NotImplementedError

    def rest(self) -> None:
        """A half has not been used: the connection is idle if no other request runs."""
        raise NotImplementedError


class H2Upstream(Upstream):
    """One request after another, each on the connection that `join` has set."""

    def __init__(self) -> None:
        self.flow: H2Stream = new_stream()
        self.flow.owner = self
        self.response = self.flow.head
        self.content = self.inbox = Inbox()
        self.waiter = self.inbox.waiter
        self.sender = Sender()
        self._interim: list[Message] = []
        self._timer: Any = None
        self._lost: Exception | None = None
        self._unheard = False
        self._open = False
        self._key = b""
        """Of the WebSocket that the request asks for; empty: it asks for none."""

    def join(self, connection: Keeper) -> None:
        """Use CONNECTION for the next request."""
        self.connection = connection
        self.name = connection.name
        self.inbox.waiter.peer = self.sender.room.peer = connection.stream

    # --- the request ----------------------------------------------------------------------------------------------

    def begin(self, request: Outgoing, send_timeout: float, read_timeout: float) -> None:
        """As `Upstream`."""
        connection, flow = self.connection, self.flow
        self._lost = None
        self._unheard = connection.over
        if connection.over:
            raise IncompleteResponse("the endpoint has closed the connection")
        if self._interim:
            self._interim = []
        self._key = key_of(request.message) if request.message.upgrade else b""
        if self._key and not connection.client.connects:
            connection.rest()
            raise ResponseError("the endpoint takes no WebSockets over HTTP/2 (SETTINGS_ENABLE_CONNECT_PROTOCOL)")
        end = not self._key and request.length in (0, NO_CONTENT)
        connection.client.open(flow, request, connection.scheme, end, b"websocket" if self._key else b"")
        self._open = True
        self.inbox.begin(connection.session, flow, read_timeout, connection)
        self.sender.open(connection, flow, send_timeout)
        connection.schedule()

    def expire_in(self, seconds: float) -> None:
        """As `Upstream`."""
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        if seconds > 0:
            self._timer = gevent.get_hub().loop.timer(seconds)
            self._timer.start(self._expire, update=True)  # the time of the loop may be out of date

    def send_all(self, content: bytes) -> None:
        """As `Upstream`."""
        if content:
            self._check()
            self.sender.send_all(content)
        elif not self.flow.local_ended and not self._key:
            self.finish(None)

    def send(self, source: Buffer, count: int) -> None:
        """As `Upstream`."""
        self._check()
        self.sender.send(source, count, False)

    def flush(self) -> None:
        """As `Upstream`."""
        self.connection.schedule()

    def finish(self, trailers: FieldLines | None) -> None:
        """As `Upstream`."""
        self._check()
        if not self.flow.local_ended:
            self.connection.session.finish(self.flow, trailers)
        self.connection.schedule()

    def _check(self) -> None:
        """Raise the reason for which nothing can be sent."""
        if self._lost is not None:
            raise self._lost
        if self.flow.closed and not self.flow.local_ended:
            raise StreamClosed("the endpoint wants no more of the request", self.connection.stream)

    # --- the response ---------------------------------------------------------------------------------------------

    def await_response(self, one: Resumable) -> bool:
        """As `Upstream`."""
        if self._interim or self._lost is not None or self.flow.answered:
            return False
        return self.inbox.waiter.hold(one, self.inbox.timeout)

    def receive(self, first: bool) -> None:  # noqa: ARG002 - interim heads are kept apart
        """As `Upstream`."""
        waiter = self.inbox.waiter
        if waiter.held:
            waiter.wait(self.inbox.timeout)
        while True:
            if self._interim:
                self.response = self._interim.pop(0)
                return
            if self._lost is not None and not self.flow.remote_ended:
                raise self._lost
            if self.flow.answered:
                self.response = self.flow.head
                if self._key and 200 <= self.response.status < 300:
                    self.flow.head.switch(accept_of(self._key))
                return
            waiter.wait(self.inbox.timeout)

    def start_content(self, bodiless: bool) -> None:
        """As `Upstream`: what comes is in the inbox already."""

    def trailers(self) -> FieldLines | None:
        """As `Upstream`; the session has checked them."""
        return self.flow.trailers

    def length(self) -> int:
        """As `Upstream`."""
        if self.response.length >= 0:
            return self.response.length
        flow = self.flow
        nothing = flow.remote_ended and flow.trailers is None and not self.inbox.holds()
        return 0 if nothing else UNKNOWN_LENGTH

    def waiting(self) -> bool:
        """As `Upstream`."""
        return not self.inbox.has_come()

    def be_patient(self) -> float:
        """As `Upstream`."""
        patience = self.inbox.timeout
        self.inbox.timeout = FOREVER
        return patience

    def be_impatient(self, timeout: float) -> None:
        """As `Upstream`."""
        self.inbox.timeout = timeout
        self.inbox.waiter.extend(timeout)

    def fail(self, error: Exception) -> None:
        """As `Upstream`."""
        self.inbox.waiter.fail(error)

    # --- what the connection reports ------------------------------------------------------------------------------

    def headed(self) -> None:
        """A head has arrived."""
        flow = self.flow
        if not flow.answered:
            if len(self._interim) == MOST_INTERIM:
                self.connection.session.reset(flow, CANCEL)
                self.lose(ResponseError("interim responses without end"))
                return
            self._interim.append(self.connection.client.renew(flow))
        self.inbox.waiter.wake()

    def reset(self) -> None:
        """The stream has been reset."""
        flow = self.flow
        if flow.faulty:
            self.lose(ResponseError(flow.head.fault or "the endpoint breaks the rules of HTTP/2"))
        elif flow.remote_ended:
            # The response is complete: the endpoint only wants no more of the request (section 8.1).
            self.sender.fail(StreamClosed("the endpoint wants no more of the request", self.connection.stream))
        else:
            name = CODES.get(flow.code, str(flow.code))
            self._unheard = flow.code == ErrorCode.REFUSED_STREAM
            code = flow.code if flow.code in HANDED_ON else 0
            self.lose(IncompleteResponse(f"the endpoint has reset the stream ({name})", code))

    def refuse(self) -> None:
        """The endpoint has refused the request without processing it."""
        self._unheard = True
        self.lose(IncompleteResponse("the endpoint goes away, and has not looked at the request"))

    def lose(self, error: Exception) -> None:
        """The connection has ended with ERROR."""
        self._lost = error
        self.inbox.broken = error
        self.inbox.waiter.wake()
        self.sender.fail(error)

    def _expire(self) -> None:
        self.fail(StreamTimeout("the response is not complete in time", self.connection.stream))

    # --- afterwards -----------------------------------------------------------------------------------------------

    def unprocessed(self) -> bool:
        """As `Upstream`: the endpoint has said so, or the request was not sent."""
        return self._unheard

    def reusable(self, bodiless: bool) -> bool:  # noqa: ARG002 - the stream says whether all has come
        """As `Upstream`."""
        flow = self.flow
        return flow.remote_ended and flow.local_ended and self._lost is None

    def release(self, now: float) -> None:  # noqa: ARG002 - the connection knows when it is idle
        """As `Upstream`."""
        self._end(True)

    def close(self) -> None:
        """As `Upstream`."""
        if self._open:
            self.connection.session.reset(self.flow, CANCEL)
            self._end(False)

    def switched(self) -> TunnelEnd:  # type: ignore[override]
        """As `Upstream`: what a tunnel needs of a stream of bytes."""
        self.expire_in(0)
        return TunnelEnd(Tunnelled(self))

    def _end(self, again: bool) -> None:
        self._open = False
        if self._timer is not None:
            self.expire_in(0)
        self.inbox.drop()
        self.connection.release(self, again)


class Tunnelled:
    """UPSTREAM as a tunnel sees it."""

    def __init__(self, upstream: H2Upstream) -> None:
        self.inbox = upstream.inbox
        self._upstream = upstream

    @property
    def write_timeout(self) -> float:
        """Seconds that the endpoint may keep its window closed."""
        return self._upstream.sender.timeout

    @write_timeout.setter
    def write_timeout(self, seconds: float) -> None:
        self._upstream.sender.timeout = seconds

    def send(self, source: Buffer, count: int, last: bool) -> None:  # noqa: ARG002 - the end is said by `finish`
        """Send the first COUNT bytes of SOURCE."""
        self._upstream.send(source, count)

    def finish(self, trailers: FieldLines | None) -> None:
        """Close the sending half."""
        self._upstream.finish(trailers)

    def abort(self, reachable: bool) -> None:  # noqa: ARG002 - a reset is safe either way
        """Reset the stream."""
        connection = self._upstream.connection
        connection.session.reset(self._upstream.flow, CANCEL)
        connection.schedule()

    def lose(self, error: StreamError) -> None:
        """End every wait for the stream with ERROR."""
        self._upstream.lose(error)
        self.inbox.waiter.fail(error)
