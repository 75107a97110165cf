"""The client's side of HTTP/1.0 and 1.1: one connection, its requests one after another (RFC 9112).

Rules of this file:
- It reads heads, keeps the connection or ends it, and frames what the exchange sends. It knows neither routes nor
  endpoints.
- Nothing is sent behind an answer that ends the connection, and nothing unread destroys one (lingering close).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from edge.data.exchange.client import Client
from edge.data.http import replies
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.net.errors import MessageError, StreamError, StreamTimeout
from edge.table.counters import Process

if TYPE_CHECKING:
    from edge.data.http.replies import Reply
    from edge.data.net._buffer import Buffer
    from edge.data.net._stream import Stream
    from edge.data.process.proxy import Service

LINGER_SECONDS = 2.0
LINGER_ROUNDS = 15
LINGER_LEAST = 16384
"""For how long what follows the last answer is read and dropped: who sends a whole upload before it reads gets to read
it, as long as that many bytes come in each round."""
LOGGED_LINE = 1024
"""Bytes that are logged of what is no request."""


class Http1(Client):
    """A connection from a client; also the `Client` of its exchange."""

    def __init__(self, service: Service, stream: Stream, *, address: str, port: int, secure: bool) -> None:
        """ADDRESS is the client's, PORT the one that it came to."""
        self.service = service
        self.stream = stream
        self.request = Head()
        self.body = Body(stream, True)
        self.secure = secure
        self.address = address
        self.forwarded_host = b""
        self.upstream_host = b""
        self.upgraded = False
        self.added = service.forwarding.fields(address, address, port, secure=secure)
        self.idle = True
        """Between two requests: the connection may be closed without harm."""
        self._peer = address
        self._port = port
        self._tls = secure
        self._trusted = service.forwarding.trusting and service.forwarding.trusts(address)
        self._described = self.added if service.forwarding.writes_forwarded else b""
        """What does not change from request to request, where something does."""
        self.request.pass_on(claims=self._trusted, cdn=service.forwarding.passes_cdn)
        self._keep = True
        self._chunked = 0
        self._served = 0
        self._waits = False
        self._clock = service.clock
        self._exchange = service.exchange(self)

    def serve(self) -> None:
        """Serve requests until the connection ends."""
        service, stream = self.service, self.stream
        stream.write_timeout = service.settings.client_body_timeout
        service.connections.add(self)
        try:
            self._serve()
        except MessageError as error:
            service.log.debug("client %s: %s", self._peer, error)
            self._refuse(error.status)
        except StreamTimeout:
            if len(stream):  # otherwise it has not begun to ask
                self._refuse(408)
        except StreamError:
            pass
        finally:
            service.connections.discard(self)
            stream.close()
            self._exchange = None  # type: ignore[assignment]  # a cycle, which only the collector would find

    def _serve(self) -> None:
        service, stream, request, body = self.service, self.stream, self.request, self.body
        limits, exchange, keep_alive = service.request_limits, self._exchange, service.settings.keep_alive
        most = service.settings.keep_alive_requests if keep_alive > 0 else 1
        while self._keep:
            stream.read_timeout = keep_alive if self._served else service.settings.client_header_timeout
            self.idle = True
            request.size = 0
            if not request.read_request(stream, limits):
                return
            self.idle = False
            self._served += 1
            self._keep = request.keep_alive and self._served != most
            body.start(request.length, request.chunked, False)
            self._waits = request.expect_continue
            self.upstream_host = self.forwarded_host = request.host
            if self._trusted:
                self._believe()
            if self._described:
                self._write_forwarded()
            if not body.done:
                stream.read_timeout = service.settings.client_body_timeout
            exchange.run()
            if not body.finish():
                self._keep = False
        # Where the client does not expect the end, or is still sending, it must get to read the last answer.
        if not stream.closed and (request.keep_alive or len(stream) or not body.finish()):
            self._linger()

    def close_idle(self) -> None:
        """End the connection if it is between two requests."""
        if self.idle and not len(self.stream):
            self._keep = False
            self.stream.close()

    def close(self) -> None:
        """End the connection at once, whatever it is doing: an answer that has begun must not look complete."""
        self._keep = False
        if self.idle or self.upgraded:
            self.stream.close()
        else:
            self.stream.abort()

    def _believe(self) -> None:
        """Take what a trusted proxy says about its client."""
        origin = self.service.forwarding.origin(self.request, peer=self._peer, port=self._port, secure=self._tls)
        self.address, self.secure, self.added = origin.address, origin.secure, origin.fields
        self.forwarded_host = self.upstream_host = origin.host

    def _write_forwarded(self) -> None:
        """Say the same as Forwarded, in place of one that a trusted proxy sent."""
        added = self.added if self._trusted else self._described
        self.request.hide(b"forwarded")
        self.added = added + self.service.forwarding.forwarded(self.address, self.forwarded_host, secure=self.secure)

    def _refuse(self, status: int) -> None:
        """Answer what is not a request, and end."""
        request, stream = self.request, self.stream
        line = request.first_line if request.size else stream.peek(LOGGED_LINE).partition(b"\r\n")[0]
        self.service.counters.add(Process.BAD_REQUESTS, 1)
        self._keep = False
        self.request = Head()  # what was read of it is nothing to rely on
        reply = replies.plain(status)
        self._exchange.log_refused(reply, line[:LOGGED_LINE])
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

    def expect_body(self) -> None:
        """Ask for the body where the client waits to be asked."""
        if self._waits:
            self._waits = False
            if self.body.received == 0 and not len(self.stream):
                self.stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.stream.flush()

    def reply(self, reply: Reply, hsts: bytes) -> None:
        """Send a complete answer, and end the connection where the request's body has not been read."""
        body, stream = self.body, self.stream
        if not body.done and body.whole:
            while count := body.fill():
                stream.consume(count)
        if not body.finish() or self.service.draining:
            self._keep = False
        head = f"HTTP/1.1 {reply.status} {replies.reason(reply.status)}\r\n".encode()
        connection = b"" if self._keep else b"Connection: close\r\n"
        if self._keep and self.request.version == 10:
            connection = b"Connection: keep-alive\r\n"
        stream.discard_output()
        stream.send(
            head
            + self._clock.defaults[3]
            + b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(reply.body)
            + reply.fields
            + hsts
            + connection
            + b"\r\n"
            + (b"" if self.request.method == b"HEAD" else reply.body)
        )

    def interim(self, response: Head) -> None:
        """Pass on a 1xx response, which HTTP/1.0 does not know."""
        if self.request.version == 11:
            response.write_response(self.stream, b"", -1, False, True)
            self.stream.flush()

    def begin(self, response: Head, length: int, hsts: bytes) -> None:
        """Put the head of the final response into the output buffer."""
        old = self.request.version == 10
        self._chunked = 0
        if length == -1:
            if old:
                self._keep = False
            else:
                self._chunked = 1
        elif length == -2:
            length = response.length if response.status not in (101, 204) else -1
        if not self.body.done or self.service.draining or response.status == 101:
            self._keep = False
        added = self._clock.defaults[response.missing()] + hsts
        response.write_response(self.stream, added, length, self._chunked, self._keep, old, bool(hsts))

    def send(self, source: Buffer, count: int, last: bool) -> None:
        """Send a piece of the body; LAST: it is the end, and no trailers follow."""
        if self._chunked and last:
            self._chunked = 0
            self.stream.send_from(source, count, 2)
        else:
            self.stream.send_from(source, count, self._chunked)

    def flush(self) -> None:
        """Send what has been begun."""
        self.stream.flush()

    def finish(self, trailers: bytes) -> None:
        """End the response, with TRAILERS where the framing has room for them."""
        if self._chunked:
            self.stream.write(b"0\r\n")
            write_trailers(trailers, self.stream, self.service, fault=502)
        self.stream.flush()

    def write_trailers(self, stream: Stream) -> None:
        """Put the trailers of the request into STREAM's output buffer, with the empty line that ends its body."""
        try:
            write_trailers(self.body.trailers, stream, self.service, fault=400)
        except MessageError:
            self._keep = False
            raise

    def abort(self, reachable: bool) -> None:
        """Break the connection; for HTTP/1.0, where an orderly end is an end like any other, by a reset."""
        self._keep = False
        if reachable and self.request.version == 11:
            with suppress(StreamError):
                self.stream.flush()
            self.stream.close()
        else:
            self.stream.abort()


def write_trailers(trailers: bytes, stream: Stream, service: Service, *, fault: int) -> None:
    """Put TRAILERS, checked and without fields that frame or route (RFC 9110, section 6.5.1), into STREAM's output."""
    if not trailers:
        stream.write(b"\r\n")
        return
    head = Head()
    head.read_trailers(trailers, service.request_limits, fault)
    head.write_trailers(stream)
