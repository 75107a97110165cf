"""The halves of an exchange over HTTP/1.1, with a client and endpoints at the other ends of their sockets."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import gevent
from gevent.event import AsyncResult

from edge.data.connections.caller import Caller
from edge.data.connections.connections import Connections
from edge.data.connections.h1 import Http1
from edge.data.http.h1._body import Body
from edge.data.net._stream import Stream
from edge.data.net.errors import MessageError, StreamError
from edge.data.net.peers import PLAIN, Peer
from edge.data.upstream.h1 import H1Upstream
from edge.data.upstream.pool import Pool
from tests.support.play.script import Answer, Asked, Cut, Endpoint, Request, fields_of, read, section, text, values
from tests.support.wire import HEAD_LIMITS

if TYPE_CHECKING:
    from edge.data.exchange.upstream import Upstream
    from edge.data.http._message import Outgoing
    from edge.data.upstream.target import Target
    from tests.support.play.scene import Received, Scene

ADDRESS = "192.0.2.1"
"""Of the client."""
PATIENCE = 40.0
"""Seconds after which a test has failed."""


def pair() -> tuple[Stream, Stream]:
    """Two streams, joined by TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    for sock in (one, other):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    near, far = Stream(one), Stream(other)
    far.read_timeout = far.write_timeout = PATIENCE
    return near, far


def read_head(stream: Stream) -> tuple[str, list[tuple[str, str]]] | None:
    """The next head; None: the stream ends before it."""
    while b"\r\n\r\n" not in stream.peek():
        if stream.fill(True) == 0:
            return None
    return read(stream.take(stream.peek().index(b"\r\n\r\n") + 4))


def read_all(body: Body) -> bytes:
    """What is left of BODY's content."""
    pieces = []
    while count := body.fill():
        pieces.append(body.buffer.take(count))
    return b"".join(pieces)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def talk(stream: Stream, data: bytes, received: Received) -> None:
    """Send DATA over a switched connection, and keep what comes back."""
    with suppress(StreamError):
        stream.send(data)
        stream.shutdown_output()
        while count := stream.fill(True) or len(stream):
            received.content += stream.take(count)
    stream.close()


def echo(stream: Stream) -> None:
    """Send back what comes over a switched connection."""
    with suppress(StreamError):
        while len(stream) or stream.fill(True):
            stream.send(stream.take(len(stream)))
        stream.shutdown_output()
    stream.close()


# --- the client -------------------------------------------------------------------------------------------------------


def exchange(scene: Scene, request: Request, received: Received, *, secure: bool, peer: Peer = PLAIN) -> None:
    """Serve REQUEST on a connection of its own."""
    near, far = pair()
    connections = Connections(scene.settings, scene.counters, scene.handler)
    caller = Caller(connections.forwarding, address=ADDRESS, port=443 if secure else 80, secure=secure, peer=peer)
    server = Http1(connections, near, caller)
    over = AsyncResult()
    gevent.spawn_raw(server.serve, over.set)
    try:
        _send(far, request)
        _receive(far, request, received)
    except (StreamError, MessageError):
        received.whole = False
    finally:
        if not (request.silent and request.stops is not None):
            far.close()
        over.wait(PATIENCE)
        far.close()
    assert over.ready(), "the connection is not left alone"


def _send(stream: Stream, request: Request) -> None:
    content, lines = request.sent, request.lines()
    if request.has_content:
        lines.append(f"Content-Length: {len(request.content)}" if request.sized else "Transfer-Encoding: chunked")
    data = content if request.sized else chunk(content)
    if request.has_content and not request.sized and request.stops is None:
        data += b"0\r\n" + (section(request.trailers) or b"\r\n")
    stream.send(text(lines))
    for at in range(0, len(data), 50000):
        stream.send(data[at : at + 50000])
    if request.leaves:
        gevent.sleep(0.1)  # until the request has been read; a silent endpoint in memory is given up after 0.3
        stream.abort()
    elif request.stops is not None and not request.silent:
        stream.close()


def _receive(stream: Stream, request: Request, received: Received) -> None:
    while True:
        head = read_head(stream)
        if head is None:
            return
        status = int(head[0].split(" ")[1])
        if status >= 200 or status == 101:
            break
        received.interim.append((status, head[1]))
    received.begin(*head)
    if status == 101:
        stream.send(request.then)
        stream.shutdown_output()
        while stream.fill(True) or len(stream):
            received.content += stream.take(len(stream))
        received.whole = True
        return
    body = Body(stream, False)
    if request.method != "HEAD" and status not in (204, 304):
        length, chunked = framing(head[1])
        body.start(length, chunked, True)
    try:
        while count := body.fill():
            received.content += stream.take(count)
        received.trailers = fields_of(body.trailers.decode().split("\r\n"))
        received.whole = True
    except MessageError:
        received.whole = False


def framing(fields: list[tuple[str, str]]) -> tuple[int, bool]:
    """The length that FIELDS announce, -1: none; whether chunks follow."""
    length = values(fields, "content-length")
    return int(length[0]) if length else -1, values(fields, "transfer-encoding") == ["chunked"]


# --- endpoints --------------------------------------------------------------------------------------------------------


class NotingUpstream(H1Upstream):
    """Notes the timeouts that it gets."""

    def begin(self, request: Outgoing, send_timeout: float, read_timeout: float) -> None:
        self.scene.timeouts = (send_timeout, read_timeout)
        super().begin(request, send_timeout, read_timeout)


class SocketPool(Pool):
    """Connections to the endpoints of SCENE."""

    def begin(self, scene: Scene) -> None:
        self.scene = scene
        self.made: list[H1Upstream] = []

    def connect(self, target: Target, timeout: float) -> Upstream:
        endpoint = self.scene.connecting(target, timeout)
        near, far = pair()
        upstream = NotingUpstream(target, near, HEAD_LIMITS, self)
        upstream.scene = self.scene
        self.made.append(upstream)
        endpoint.connections += 1
        gevent.spawn(_serve, far, endpoint, endpoint.connections)
        return upstream

    def open(self) -> int:
        """Connections that are in use."""
        return sum(not one.stream.closed and not one.idle_since for one in self.made)


def _serve(stream: Stream, endpoint: Endpoint, number: int) -> None:
    """Answer the requests of one connection."""
    with suppress(StreamError, MessageError):
        while head := read_head(stream):
            method, target, _ = head[0].split(" ")
            asked = Asked(method, target, head[1], number)
            endpoint.asked.append(asked)
            answer = endpoint.next()
            if not answer.early:
                _read_content(stream, asked)
            gevent.sleep(answer.after)
            if not _answer(stream, answer, method):
                break
    stream.close()


def _read_content(stream: Stream, asked: Asked) -> None:
    length, chunked = framing(asked.fields)
    body = Body(stream, True)
    body.start(length, chunked, False)
    while count := body.fill():
        asked.content += stream.take(count)
    asked.trailers = fields_of(body.trailers.decode().split("\r\n"))
    asked.whole = True


def _answer(stream: Stream, answer: Answer, method: str) -> bool:
    """Answer; whether another request may follow."""
    stream.send(_until_cut(answer, method))
    if answer.silent:
        stream.fill(True)  # until the other side ends it
    if answer.status == 101:
        echo(stream)
    if answer.reset:
        gevent.sleep(0.2)  # or the reset takes away what has been sent
        stream.abort()
    return not answer.raw and answer.cut is None and not answer.silent


def _until_cut(answer: Answer, method: str) -> bytes:
    """What the endpoint sends."""
    if answer.raw or answer.cut is Cut.BEFORE or (answer.silent and answer.cut is None):
        return answer.raw
    bodiless = method == "HEAD" or answer.status in (101, 204, 304)
    framed = f"Content-Length: {len(answer.content)}" if answer.sized else "Transfer-Encoding: chunked"
    interim = b"".join(text([f"HTTP/1.1 {status} Status", f"X-Interim: {status}"]) for status in answer.interim)
    head = text([*answer.lines(), *([] if bodiless else [framed])])
    if answer.cut is Cut.HEAD:
        return interim + head[:-10]
    if bodiless:
        return interim + head
    content = answer.content[: len(answer.content) // 2] if answer.cut is Cut.CONTENT else answer.content
    if answer.sized:
        return interim + head + content
    end = b"" if answer.cut is Cut.CONTENT else b"0\r\n" + (section(answer.trailers) or b"\r\n")
    return interim + head + chunk(content) + end
