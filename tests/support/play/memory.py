"""The two halves of an exchange in memory: no HTTP version frames what they carry.

Heads are read by the grammar of HTTP/1.1, because that is how a `Message` comes about, and are written by its writer,
because that decides which fields are passed on. Neither connections nor chunks exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from edge.data.exchange.client import Client
from edge.data.exchange.upstream import Upstream
from edge.data.http._message import NO_CONTENT, UNKNOWN_LENGTH
from edge.data.http.forwarding import Forwarding
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.http.h1._writing import HeadWriter
from edge.data.net._stream import Stream
from edge.data.net.errors import PeerGone, StreamClosed, StreamTimeout
from edge.data.net.peers import PLAIN, Peer
from edge.data.upstream.pool import Pool
from tests.support.play import sockets
from tests.support.play.script import Asked, Cut, Endpoint, Request, fields_of, read, section, text
from tests.support.wire import HEAD_LIMITS, REQUEST_LIMITS, Pieces, stream_pair, whole, written

if TYPE_CHECKING:
    from edge.data.http._fields import FieldLines
    from edge.data.http._message import Message, Outgoing
    from edge.data.http.replies import Reply
    from edge.data.net._buffer import Buffer
    from edge.data.upstream.target import Target
    from tests.support.play.scene import Received, Scene


class Ending(Pieces):
    """Pieces behind which ERROR is raised, a timeout after a moment; None: they end in order."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        super().__init__(pieces)
        self._error = error

    def fill(self, wait: bool = False) -> int:
        if not self.pieces and self._error is not None:
            if isinstance(self._error, StreamTimeout):
                gevent.sleep(0.3)
            raise self._error
        return super().fill(wait)


class Leading:
    """The other end of a stream, as errors know it."""

    to_endpoint = True


ENDPOINT = Leading()


def head_of(write: str, *arguments: Any) -> bytes:
    """The head that a method of `HeadWriter` makes of ARGUMENTS."""
    with stream_pair() as (stream, far):
        getattr(HeadWriter(stream), write)(*arguments)
        return written(stream, far)


class MemoryClient(Client):
    """A client that has sent REQUEST and puts what it gets into RECEIVED."""

    def __init__(self, request: Request, received: Received, *, secure: bool, peer: Peer = PLAIN) -> None:
        self._request = request
        self._received = received
        self._sent = 0
        self._far: Stream | None = None
        self.resumed = Event()
        self.secure = secure
        self.peer = peer
        self.address = sockets.ADDRESS
        self.port = 443 if secure else 80
        self.forwarding = Forwarding.fields(self.address, self.address, self.port, secure=secure)
        self.upgraded = False
        head = Head()
        size = [f"Content-Length: {len(request.content)}"] if request.has_content and request.sized else []
        head.read_request(Pieces([text([*request.lines(), *size])]), REQUEST_LIMITS)
        self.request = head
        self.host = head.host
        self.has_content = request.has_content
        self.length = NO_CONTENT if not self.has_content else len(request.content) if request.sized else UNKNOWN_LENGTH
        stopped = request.stops is not None
        error = StreamTimeout("silent") if request.silent and stopped else StreamClosed("gone") if stopped else None
        self.content = Body(Ending(whole(request.sent), error), True)
        self.content.start(len(request.content) if request.sized else -1, False, not request.sized)

    def resume(self) -> None:
        self.resumed.set()

    def expect_content(self) -> None:
        self._received.expected = True

    def trailers(self) -> FieldLines | None:
        return _trailers(section(self._request.trailers), 400)

    def watch(self, upstream: Upstream | None) -> None:
        if upstream is not None and self._request.leaves:
            gevent.spawn_later(0.05, upstream.fail, PeerGone("the client is gone"))

    def reply(self, reply: Reply, fields: bytes) -> None:
        received = self._received
        received.status = reply.status
        content_type = b"Content-Type: " + reply.content_type + b"\r\n"
        received.fields = fields_of((content_type + reply.fields + fields).decode("latin-1").split("\r\n"))
        received.length = len(reply.body)
        received.content = b"" if self.request.method == b"HEAD" else reply.body
        received.whole = True

    def interim(self, response: Message) -> None:
        if self.request.version == 11:
            _, fields = read(head_of("response", response, b"", -1, False, True))
            self._received.interim.append((response.status, fields))

    def begin(self, response: Message, length: int, fields: bytes) -> None:
        bodiless = length == NO_CONTENT
        if bodiless:
            length = response.length if response.status not in (101, 204) else -1
        head = head_of("response", response, fields, length, False, True)
        self._sent += len(head)
        self._received.begin(*read(head))
        self._received.whole = bodiless

    def send(self, source: Buffer, count: int, last: bool) -> None:
        self._sent += count
        self._received.content += source.take(count)

    def flush(self) -> None:
        """Nothing is held back."""

    def finish(self, trailers: FieldLines | None) -> None:
        received = self._received
        received.whole = True
        if trailers is not None:
            received.trailers = _passed(trailers)

    def abort(self, reachable: bool, code: int = 0) -> None:
        self._received.whole = False

    def received(self) -> int:
        return self.request.size + self.content.received

    def sent(self) -> int:
        return self._sent

    def switched(self) -> Stream:
        near, far = sockets.pair()
        gevent.spawn(sockets.talk, far, self._request.then, self._received)
        return near


class MemoryPool(Pool):
    """Connections to the endpoints of SCENE."""

    def begin(self, scene: Scene) -> None:
        self.scene = scene
        self.made: list[MemoryUpstream] = []

    def connect(self, target: Target, timeout: float) -> Upstream:
        endpoint = self.scene.connecting(target, timeout)
        upstream = MemoryUpstream(target, endpoint, self.scene)
        self.made.append(upstream)
        return upstream

    def open(self) -> int:
        """Connections that are in use."""
        return sum(not one.closed and not one.idle_since for one in self.made)


class MemoryUpstream(Upstream):
    """A connection to ENDPOINT, which is TARGET."""

    def __init__(self, target: Target, endpoint: Endpoint, scene: Scene) -> None:
        self.name = target.name
        self.target = target
        self.endpoint = endpoint
        self.response = Head()
        self.content = Body(Pieces([]), False)
        self.idle_since = 0.0
        self.closed = False
        self._scene = scene
        endpoint.connections += 1
        self._number = endpoint.connections

    # --- the request ----------------------------------------------------------------------------------------------

    def begin(self, request: Outgoing, send_timeout: float, read_timeout: float) -> None:
        self._scene.timeouts = (send_timeout, read_timeout)
        first, fields = read(head_of("request", request))
        method, target, _ = first.split(" ")
        self._asked = Asked(method, target, fields, self._number)
        self.endpoint.asked.append(self._asked)
        self._answer = self.endpoint.next()
        self._messages = self._steps(method)
        self._patience = read_timeout
        self._fault: Exception | None = None
        self._due, self._failed = Event(), Event()
        if self._answer.early:
            self._due.set()

    def expire_in(self, seconds: float) -> None:
        """Time passes only while the head is waited for here."""
        if seconds:
            self._patience = min(self._patience, seconds)

    def send_all(self, content: bytes) -> None:
        self._asked.content = content
        self._complete()

    def send(self, source: Buffer, count: int) -> None:
        self._asked.content += source.take(count)

    def flush(self) -> None:
        """Nothing is held back."""

    def finish(self, trailers: FieldLines | None) -> None:
        if trailers is not None:
            self._asked.trailers = _passed(trailers)
        self._complete()

    def _complete(self) -> None:
        self._asked.whole = True
        self._due.set()

    # --- the response ---------------------------------------------------------------------------------------------

    def _steps(self, method: str) -> list[bytes]:
        """The heads to come."""
        answer = self._answer
        if answer.raw:
            return [answer.raw]
        has_content = method != "HEAD" and answer.status not in (204, 304) and answer.status != 101
        size = [f"Content-Length: {len(answer.content)}"] if answer.sized and has_content else []
        final = text([*answer.lines(), *size])
        interim = [text([f"HTTP/1.1 {status} Status", f"X-Interim: {status}"]) for status in answer.interim]
        return [*interim, final]

    def receive(self, first: bool) -> None:
        answer = self._answer
        self._due.wait()
        self._raise_fault()
        silent = answer.silent and answer.cut is None
        if first:
            self._failed.wait(min(self._patience, 0.3) if silent else answer.after)
            self._raise_fault()
        if silent:
            raise StreamTimeout(f"silent for {self._patience:g} s", ENDPOINT)
        head = self._messages.pop(0)
        if answer.cut is Cut.BEFORE:
            head = b""
        elif answer.cut is Cut.HEAD:
            head = head[:-10]
        error = StreamClosed("reset", ENDPOINT) if answer.reset else None
        if answer.cut is not None and answer.silent:
            error = StreamTimeout("silent", ENDPOINT)
        self.response.read_response(Ending([head], error), HEAD_LIMITS, first)

    def start_content(self, bodiless: bool) -> None:
        answer = self._answer
        content, error = answer.content, None
        if answer.cut is Cut.CONTENT:
            content = content[: len(content) // 2]
            error = StreamClosed("reset", ENDPOINT) if answer.reset or not answer.sized else None
            if answer.silent:
                error = StreamTimeout("silent", ENDPOINT)
        self.content = Body(Ending(whole(content), error), False)
        if bodiless:
            self.content.start(-1, False, False)
            return
        self.content.start(len(answer.content) if answer.sized else -1, False, not answer.sized)
        self.content.trailers = section(answer.trailers)

    def trailers(self) -> FieldLines | None:
        return _trailers(self.content.trailers, 502)

    def length(self) -> int:
        return len(self._answer.content) if self._answer.sized else UNKNOWN_LENGTH

    def waiting(self) -> bool:
        return False

    def be_patient(self) -> float:
        return self._patience

    def be_impatient(self, timeout: float) -> None:
        """The request has come to its end, or the wait has been ended."""
        self._due.set()

    def fail(self, error: Exception) -> None:
        self._fault = error
        self._due.set()
        self._failed.set()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    # --- afterwards -----------------------------------------------------------------------------------------------

    def unprocessed(self) -> bool:
        return False

    def reusable(self, bodiless: bool) -> bool:
        return self._asked.whole and self._answer.cut is None

    def open(self, check: bool) -> bool:
        return not self.closed

    def release(self, now: float) -> None:
        self.idle_since = now
        self.target.idle.append(self)

    def close(self) -> None:
        self.closed = True

    def switched(self) -> Stream:
        near, far = sockets.pair()
        near.to_endpoint = True
        gevent.spawn(sockets.echo, far)
        return near


def _trailers(text: bytes, fault: int) -> FieldLines | None:
    if not text:
        return None
    head = Head()
    head.read_trailers(text, HEAD_LIMITS, fault)
    return head


def _passed(trailers: FieldLines) -> list[tuple[str, str]]:
    return fields_of(head_of("trailers", trailers).decode("latin-1").split("\r\n"))


def exchange(scene: Scene, request: Request, received: Received, *, secure: bool, peer: Peer = PLAIN) -> None:
    """Serve REQUEST."""
    client = MemoryClient(request, received, secure=secure, peer=peer)
    handler = scene.handler(client)
    if not handler.run():
        client.resumed.wait()
        handler.go_on()
