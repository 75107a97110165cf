"""The client's side of HTTP/1.0 and 1.1: one connection, its requests one after another (RFC 9112).

Rules of this file:
- It reads heads, keeps the connection or closes it, and frames the responses. It knows neither routes nor endpoints.
- It waits without a greenlet for the next request, and for the answer of an endpoint on a kept connection
  (`Resumable`).
- Nothing is sent after an answer that ends the connection, and unread bytes do not destroy that answer (lingering
  close).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.data.exchange.client import Client
from edge.data.http import replies
from edge.data.http._message import NO_CONTENT
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.http.h1._writing import HeadWriter
from edge.data.net.errors import MessageError, StreamError, StreamTimeout
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.connections.caller import Caller
    from edge.data.connections.connections import Connections
    from edge.data.exchange.upstream import Upstream
    from edge.data.http._fields import FieldLines
    from edge.data.http._message import Message
    from edge.data.http.forwarding import Forwarding
    from edge.data.http.replies import Reply
    from edge.data.net._buffer import Buffer
    from edge.data.net._stream import Stream

log = logging.getLogger("edge.data")

LINGER_SECONDS = 2.0
LINGER_ROUNDS = 15
LINGER_LEAST = 16384
"""For how long bytes after the last answer are read and dropped: a client that sends a whole upload before it reads
still gets the answer, as long as that many bytes arrive in each round."""
PREFACE = b"PRI * HTTP/2.0"
"""The first line of the preface of HTTP/2 (RFC 9113, section 3.4); an empty line follows."""
LOGGED_LINE = 1024
"""Bytes that are logged of a malformed request."""


class Http1(Client):
    """A connection from a client; also the client's half of its exchanges."""

    def __init__(self, connections: Connections, stream: Stream, caller: Caller) -> None:
        """CALLER: the peer."""
        # Attributes have C types, arguments have none.
        self.connections = connections
        self.stream = stream
        self._caller = caller
        self.request = self.head = Head()
        self.content = self.body = Body(stream, True)
        self.secure = self.request.secure = self._caller.secure
        self.request.scope = self._caller.scope
        self.address = self._caller.address
        self.port = self._caller.port
        self.peer = self._caller.peer
        self.host = b""
        self.upgraded = False
        self.forwarding = self._caller.forwarding
        self.idle = True
        """Between two requests: the connection may be closed."""
        self.request.pass_on(claims=self._caller.claiming, cdn=self.connections.forwarding.passes_cdn)
        self._writer = HeadWriter(stream)
        self._keep = True
        self._stale = False
        """Parameters have changed since the handler was made."""
        self._chunked = 0
        self._served = 0
        self._waits = False
        self._sent_before = 0
        """Bytes sent for earlier requests."""
        self._switched_at = 0
        """Bytes received before the protocol was switched."""
        self._asked = False
        """The request has been sent to an endpoint, whose answer is awaited."""
        self._awaited = False
        """The next request is awaited."""
        self._over: Callable[[int], None] | None = None
        self._clock = self.connections.clock
        self._handler = self.connections.make_handler(self)

    def serve(self, over: Callable[[int], None]) -> None:
        """Serve requests until the connection ends, possibly after this has returned; then call OVER with -1. If the
        client begins with the preface of HTTP/2, call OVER with the number of its bytes that have been read, and leave
        the connection open.
        """
        self._over = over
        self.stream.write_timeout = self.connections.body_timeout
        self.connections.open.add(self)
        self.resume()

    def resume(self) -> None:
        """Serve until there is something to wait for, or the end."""
        seen = -1
        ended = True
        try:
            ended = self._serve()
        except MessageError as error:
            seen = self._preface()
            if seen < 0:
                log.debug("client %s: %s", self._caller.address, error)
                self._refuse(error.status)
        except StreamTimeout:
            if len(self.stream):  # otherwise no request has begun
                self._refuse(408)
        except StreamError:
            pass
        except Exception:
            log.exception("connection from %s", self._caller.address)
        finally:
            if ended:
                self._end(seen)

    def _end(self, seen: int) -> None:
        over, self._over = self._over, None
        self.connections.open.discard(self)
        if seen < 0:
            self.stream.close()
        self._handler = None  # type: ignore[assignment]  # a cycle, which only the collector would find
        assert over is not None  # noqa: S101 - it ends once
        over(seen)

    def _serve(self) -> bool:
        """Serve until there is something to wait for, False, or the end."""
        connections, stream, head, body = self.connections, self.stream, self.head, self.body
        handler = self._handler
        if self._asked:
            self._asked = False
            handler.go_on()
            self._finish()
        while self._keep:
            if not self._awaited:
                stream.read_timeout = connections.keep_alive if self._served else connections.header_timeout
                self.idle = True
                head.size = 0
                if not len(stream) and stream.await_read(self):
                    self._awaited = True
                    return False
            self._awaited = False
            if not head.read_request(stream, connections.limits):
                return True
            self.idle = False
            connections.look()
            self._served += 1
            self._keep = head.keep_alive and not 0 < connections.keep_alive_requests <= self._served
            self._sent_before = stream.sent
            body.start(head.length, head.chunked, False)
            self.length = head.content_length
            self.has_content = not body.done
            self._waits = head.expect_continue
            self.host = head.host
            if self._caller.varies:
                if self._stale:
                    self._stale = False
                    handler = self._handler = connections.make_handler(self)
                self._caller.describe(self)
            if not body.done:
                stream.read_timeout = connections.body_timeout
            if not handler.run():
                self._asked = True
                return False
            self._finish()
        # If the client does not expect the end, or is still sending, it must be able to read the last answer.
        if not stream.closed and (head.keep_alive or len(stream) or not body.finish()):
            self._linger()
        return True

    def _finish(self) -> None:
        """A request has been served; returns whether another one can follow."""
        if not self.body.finish():
            self._keep = False

    def drain(self) -> None:
        """The next answer has `Connection: close`."""

    def retune(self, forwarding: Forwarding) -> None:
        """As `Connection`."""
        self._stale = True
        self._caller.renew(forwarding)

    def close_idle(self) -> None:
        """End the connection if it is between two requests."""
        if self.idle and not len(self.stream):
            self._keep = False
            self.stream.close()

    def close(self) -> None:
        """Close the connection at once: an answer that has begun must not look complete."""
        self._keep = False
        if self.idle or self.upgraded:
            self.stream.close()
        else:
            self.stream.abort()

    def _preface(self) -> int:
        """How many bytes of HTTP/2's preface have been read in place of a first request; -1: it is none."""
        head = self.head
        if self._served or not self.connections.http2 or self.stream.alpn or head.first_line != PREFACE:
            return -1
        return head.size if head.size in (0, len(PREFACE) + 4) else -1

    def _refuse(self, status: int) -> None:
        """Answer a malformed request, and close."""
        head, stream = self.head, self.stream
        line = head.first_line if head.size else stream.peek(LOGGED_LINE).partition(b"\r\n")[0]
        self.connections.counters.add(WorkerWord.BAD_REQUESTS, 1)
        self._keep = False
        self.request = self.head = Head()  # its fields are not reliable
        reply = replies.plain(status)
        self._handler.refused(status, line[:LOGGED_LINE], len(reply.body))
        try:
            self.reply(reply, b"")
            self._linger()
        except StreamError:
            pass

    def _linger(self) -> None:
        stream = self.stream
        for _ in range(LINGER_ROUNDS):
            before = stream.received
            stream.linger(LINGER_SECONDS, 1 << 30)
            if stream.received - before < LINGER_LEAST:
                return

    # --- Client ---------------------------------------------------------------------------------------------------

    def source(self) -> str:
        """As `Client`."""
        return self._caller.address

    def wire(self) -> Stream:
        """As `Client`."""
        return self.stream

    def place(self) -> tuple[int, int]:
        """As `Client`."""
        return self._caller.number(), self._served

    def expect_content(self) -> None:
        """Send 100 Continue if the client expects it."""
        if self._waits:
            self._waits = False
            if self.body.received == 0 and not len(self.stream):
                self.stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.stream.flush()

    def trailers(self) -> FieldLines | None:
        """As `Client`; malformed trailers end the connection."""
        if not self.body.trailers:
            return None
        trailers = Head()
        try:
            trailers.read_trailers(self.body.trailers, self.connections.limits, 400)
        except MessageError:
            self._keep = False
            raise
        return trailers

    def watch(self, upstream: Upstream | None) -> None:
        """As `Client`."""
        self.stream.watch(upstream.waiter if upstream is not None else None)

    def reply(self, reply: Reply, fields: bytes) -> None:
        """Send a complete answer, and end the connection where the request's content has not been read."""
        body, stream = self.body, self.stream
        if not body.done and body.whole:
            while count := body.fill():
                stream.consume(count)
        if not body.finish() or self.connections.draining or reply.closes:
            self._keep = False
        head = f"HTTP/1.1 {reply.status} {replies.reason(reply.status)}\r\n".encode()
        connection = b"" if self._keep else b"Connection: close\r\n"
        if self._keep and self.request.version == 10:
            connection = b"Connection: keep-alive\r\n"
        stream.discard_output()
        stream.send(
            head
            + self._clock.defaults[3]
            + b"Content-Type: %b\r\nContent-Length: %d\r\n" % (reply.content_type, len(reply.body))
            + reply.fields
            + fields
            + connection
            + b"\r\n"
            + (b"" if self.request.method == b"HEAD" else reply.body)
        )

    def interim(self, response: Message) -> None:
        """Pass on a 1xx response, which HTTP/1.0 does not know."""
        if self.request.version == 11:
            self._writer.response(response, b"", -1, False, True)
            self.stream.flush()

    def begin(self, response: Message, length: int, fields: bytes) -> None:
        """Put the head of the final response into the output buffer."""
        old = self.request.version == 10
        self._chunked = 0
        if length < 0:
            length = self._unsized(response, length, old=old)
        if not self.body.done or self.connections.draining or response.status == 101:
            self._keep = False
        defaults = self._clock.defaults[response.missing()]
        self._writer.response(response, fields, length, self._chunked, self._keep, old, defaults)

    def _unsized(self, response: Message, length: int, *, old: bool) -> int:
        """The Content-Length if LENGTH is not a number of bytes; -1: none."""
        if length == NO_CONTENT:
            return response.length if response.status not in (101, 204) else -1
        if old:
            self._keep = False
        else:
            self._chunked = 1
        return -1

    def send(self, source: Buffer, count: int, last: bool) -> None:
        """As `Client`."""
        chunked = self._chunked
        if not last:
            self.stream.send_from(source, count, chunked)
            return
        self._chunked = 0
        if self._keep or not self.body.done:
            self.stream.send_from(source, count, 2 * chunked)
        else:
            self.stream.end_with(source, count, 2 * chunked)

    def flush(self) -> None:
        """As `Client`."""
        self.stream.flush()

    def finish(self, trailers: FieldLines | None) -> None:
        """End the response, with TRAILERS if the framing allows them."""
        if self._chunked:
            self.stream.write(b"0\r\n")
            if trailers is not None:
                self._writer.trailers(trailers)
            else:
                self.stream.write(b"\r\n")
        self.stream.flush()

    def abort(self, reachable: bool, code: int = 0) -> None:  # noqa: ARG002 - HTTP/1 has no words for it
        """Break the connection; for HTTP/1.0, where the end of the connection ends the response, by a reset."""
        self._keep = False
        if reachable and self.request.version == 11:
            with suppress(StreamError):
                self.stream.flush()
            self.stream.close()
        else:
            self.stream.abort()

    def received(self) -> int:
        """As `Client`."""
        tunnelled = self.stream.received - self._switched_at if self.upgraded else 0
        return self.head.size + self.body.received + tunnelled

    def sent(self) -> int:
        """As `Client`."""
        return self.stream.sent - self._sent_before

    def switched(self) -> Stream:
        """As `Client`."""
        self._switched_at = self.stream.received - len(self.stream)
        return self.stream
