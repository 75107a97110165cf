"""One stream of HTTP/2: the client's half of an exchange (RFC 9113, section 5).

Rules of this file:
- A stream uses the connection only to send frames and to get its turn, and waits for no other stream.
- When its client resets a stream, or its connection ends, its exchange ends at once: the wait for content, for room in
  windows, and for the endpoint.
- Halves are reused for streams of any connection: `open` sets everything that a request needs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.data.exchange.client import Client
from edge.data.http import replies
from edge.data.http._message import NO_CONTENT
from edge.data.http.h2._content import Inbox
from edge.data.http.h2.errors import ErrorCode
from edge.data.http.h2.sending import Carrier, Sender
from edge.data.http.h2.tunnel_end import TunnelEnd
from edge.data.net._waiter import Turn
from edge.data.net.errors import PeerGone, ResponseError, StreamError
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from edge.data.connections.caller import Caller
    from edge.data.connections.connections import Connections
    from edge.data.exchange.upstream import Upstream
    from edge.data.http._fields import FieldLines
    from edge.data.http._message import Message
    from edge.data.http.h2._streams import H2Stream
    from edge.data.http.replies import Reply
    from edge.data.net._buffer import Buffer
    from edge.data.net._stream import Stream

log = logging.getLogger("edge.data")

INTERNAL_ERROR = int(ErrorCode.INTERNAL_ERROR)
NO_ERROR = int(ErrorCode.NO_ERROR)


class Streams(Carrier):
    """A connection, as its streams see it.

    - `tunnels`: how many of them carry another protocol.
    """

    caller: Caller
    tunnels: int

    def release(self, half: Http2Stream) -> None:
        """HALF has ended."""
        raise NotImplementedError


class Http2Stream(Client):
    """FLOW: its stream; the half is reused for later ones."""

    def __init__(self, connections: Connections, flow: H2Stream) -> None:
        flow.owner = self
        self.flow = flow
        self.request = self.head = flow.head
        self.content = self.inbox = Inbox()
        self.sender = Sender()
        self._connections = connections
        self._clock = connections.clock
        self._watched: Upstream | None = None
        self._lost: Exception | None = None
        self._waits = False
        self._handler = connections.make_handler(self)
        self._rules = connections.forwarding
        self.request.pass_on(claims=False, cdn=self._rules.passes_cdn)
        self._asked = False
        """The request has been sent to an endpoint."""
        self._turn = Turn()

    def open(self, connection: Streams) -> None:
        """Begin with the request in `head`, which has arrived on CONNECTION."""
        head, caller, flow = self.head, connection.caller, self.flow
        self.connection = connection
        self.session = connection.session
        self.secure = head.secure = caller.secure
        head.scope = caller.scope
        self.address, self.port, self.forwarding = caller.address, caller.port, caller.forwarding
        self.host = head.host
        self.peer = caller.peer
        self.length = head.content_length
        self.has_content = self.length != NO_CONTENT
        self.upgraded = False
        self.sender.open(connection, flow, self._connections.body_timeout)
        self._watched = self._lost = None
        self._waits = head.expect_continue
        self.inbox.begin(self.session, flow, self._connections.body_timeout, connection)
        rules = self._connections.forwarding
        if rules is not self._rules:
            self._rules = rules
            self._handler = self._connections.make_handler(self)
            head.pass_on(claims=caller.claiming, cdn=rules.passes_cdn)
        elif rules.trusting:
            head.pass_on(claims=caller.claiming, cdn=rules.passes_cdn)
        if caller.varies and not head.fault:
            caller.describe(self)

    def start(self) -> None:
        """Serve the request of `open` when it is its turn."""
        self._asked = False
        self._turn.call(self)

    def resume(self) -> None:
        """Serve the request, or the rest of it once an endpoint has answered."""
        try:
            if self._asked:
                self._handler.go_on()
            elif self.head.fault:
                self._refuse()
            elif not self._handler.run():
                self._asked = True
                return
        except StreamError:
            pass
        except Exception:
            log.exception("stream of %s", self.address)
        flow, session = self.flow, self.session
        if not flow.closed:
            # An incomplete response must not look complete; the rest of the request is not needed.
            session.reset(flow, NO_ERROR if flow.local_ended else INTERNAL_ERROR)
        self.inbox.drop()
        self._watched = None
        if self.upgraded:
            self.connection.tunnels -= 1
        self.connection.release(self)

    @property
    def write_timeout(self) -> float:
        """Seconds that the client may keep its window closed."""
        return self.sender.timeout

    @write_timeout.setter
    def write_timeout(self, seconds: float) -> None:
        self.sender.timeout = seconds

    def forget(self) -> None:
        """This half is not reused: break its reference cycles."""
        self.flow.owner = None
        self._handler = None  # type: ignore[assignment]

    def lose(self, error: StreamError) -> None:
        """The client has reset the stream, or is gone, with ERROR."""
        self._lost = error
        self.inbox.waiter.fail(error)
        self.sender.fail(error)
        if self._watched is not None:
            self._watched.fail(PeerGone("the client has gone"))

    def _refuse(self) -> None:
        """Answer a malformed request, if that is possible."""
        head, malformed = self.head, self.head.malformed
        reply = replies.plain(400 if malformed else head.fault)
        self._connections.counters.add(WorkerWord.BAD_REQUESTS, 1)
        log.debug("client %s: %s", self.address, head.why)
        self._handler.refused(reply.status, head.first_line or b"", 0 if malformed else len(reply.body))
        if not malformed:
            self.reply(reply, b"")

    # --- Client ---------------------------------------------------------------------------------------------------

    def source(self) -> str:
        """As `Client`."""
        return self.connection.caller.address

    def wire(self) -> Stream:
        """As `Client`."""
        return self.connection.stream

    def place(self) -> tuple[int, int]:
        """As `Client`."""
        return self.connection.caller.number(), (self.flow.id + 1) // 2

    def arrived(self, most: int) -> bytes | None:
        """As `Client`."""
        if self._lost is not None or self.flow.trailers is not None:
            return None
        return self.inbox.whole(most)

    def expect_content(self) -> None:
        """Send 100 Continue if the client expects it."""
        if self._waits:
            self._waits = False
            if not self.inbox.has_come() and not self.flow.closed:
                self.session.reply(self.flow, 100, b"", -1, False)
                self.connection.schedule()

    def trailers(self) -> FieldLines | None:
        """As `Client`; the session has checked them."""
        return self.flow.trailers

    def watch(self, upstream: Upstream | None) -> None:
        """As `Client`."""
        self._watched = upstream
        if upstream is not None and self._lost is not None:
            upstream.fail(PeerGone("the client has gone"))

    def watch_sending(self, upstream: Upstream) -> None:
        """As `Client`."""
        self.watch(upstream)

    def reply(self, reply: Reply, fields: bytes) -> None:
        """Send a complete answer."""
        self._check()
        body = reply.body
        bodiless = not body or self.request.method == b"HEAD"
        content_type = b"Content-Type: %b\r\n" % reply.content_type
        head = self._clock.defaults[3] + content_type + reply.fields + fields
        self.session.reply(self.flow, reply.status, head, len(body), bodiless)
        if not bodiless:
            self.sender.send_all(body)
            self._check()
        self.connection.schedule()

    def interim(self, response: Message) -> None:
        """Pass on a 1xx response."""
        self._check()
        self.session.head(self.flow, response, b"", -1, False)
        self.connection.schedule()

    def begin(self, response: Message, length: int, fields: bytes) -> None:
        """Put the head of the final response into the outbox."""
        self._check()
        status = response.status
        end = length == 0
        if status == 101:
            response.hide(b"sec-websocket-accept")
            length = -1
        elif self.head.tunnels and 200 <= status < 300:
            raise ResponseError("an endpoint has declined to switch protocols with success")
        elif length == NO_CONTENT:
            end = True
            length = response.length if status != 204 else -1
        added = self._clock.defaults[response.missing()]
        if fields:
            added += fields
        self.session.head(self.flow, response, added, length, end)

    def send(self, source: Buffer, count: int, last: bool) -> None:
        """As `Client`; it waits for its turn and for room in the windows."""
        self._check()
        self.sender.send(source, count, last)
        self._check()

    def flush(self) -> None:
        """As `Client`."""
        self._check()
        self.connection.schedule()

    def finish(self, trailers: FieldLines | None) -> None:
        """As `Client`."""
        if not self.flow.local_ended:
            self._check()
            self.session.finish(self.flow, trailers)
        self.connection.schedule()

    def abort(self, reachable: bool, code: int = 0) -> None:  # noqa: ARG002 - a reset is safe either way
        """Reset the stream, with CODE where the endpoint has given one."""
        self.session.reset(self.flow, code or INTERNAL_ERROR)
        self.connection.schedule()

    def received(self) -> int:
        """As `Client`."""
        return self.flow.received

    def sent(self) -> int:
        """As `Client`."""
        return self.flow.sent

    def switched(self) -> TunnelEnd:  # type: ignore[override]
        """As `Client`: what a tunnel needs of a stream of bytes."""
        self.connection.tunnels += 1
        return TunnelEnd(self)

    def _check(self) -> None:
        """Raise the reason for which the stream has ended."""
        if self._lost is not None:
            raise self._lost
