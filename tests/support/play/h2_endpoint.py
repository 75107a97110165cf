"""Endpoints that speak HTTP/2, with the library `h2` at their end of the socket."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import gevent
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from gevent.event import Event

from edge.data.net.errors import StreamError, StreamTimeout
from edge.data.upstream import h2_pool
from edge.data.upstream.h2 import H2Upstream
from edge.data.upstream.h2_connection import H2Connection
from edge.data.upstream.pool import ConnectError, Pool
from tests.support.play.script import Answer, Asked, Cut, Endpoint
from tests.support.play.sockets import pair
from tests.support.wire import HEAD_LIMITS

if TYPE_CHECKING:
    from edge.data.exchange.upstream import Upstream
    from edge.data.net._stream import Stream
    from edge.data.upstream.target import Target
    from tests.support.play.scene import Scene

PIECE = 16384


class NotingUpstream(H2Upstream):
    """Notes the timeouts that it gets."""

    def begin(self, request: object, send_timeout: float, read_timeout: float) -> None:
        self.connection.scene.timeouts = (send_timeout, read_timeout)  # type: ignore[attr-defined]
        super().begin(request, send_timeout, read_timeout)  # type: ignore[arg-type]


class NotingConnection(H2Connection):
    """One of SCENE; `kept`: no request of it has been given up, so that HTTP/1.1 would have kept it."""

    scene: Scene
    kept = True

    def release(self, upstream: H2Upstream, again: bool) -> None:
        self.kept &= again
        super().release(upstream, again)

    def upstream(self) -> H2Upstream:
        super().upstream()
        noting = NotingUpstream()
        noting.join(self)
        return noting


class H2Pool(Pool):
    """Connections to the endpoints of SCENE."""

    def begin(self, scene: Scene) -> None:
        self.scene = scene
        self.made: list[NotingConnection] = []

    def reuse(self, target: Target, check: bool) -> Upstream | None:  # noqa: ARG002
        return h2_pool.take(target)

    def connect(self, target: Target, timeout: float) -> Upstream:
        return h2_pool.connect(target, timeout, lambda: self._made(target, timeout))

    def _made(self, target: Target, timeout: float) -> H2Connection:
        endpoint = self.scene.connecting(target, timeout)
        near, far = pair()
        endpoint.connections += 1
        serving = Serving(far, endpoint, endpoint.connections)
        gevent.spawn(serving.run)
        connection = NotingConnection(target, near, HEAD_LIMITS, [])
        connection.scene = self.scene
        try:
            connection.begin(timeout)
        except StreamTimeout as error:  # as the pool of workers
            raise ConnectError(504, f"{target.name}: no HTTP/2 within {timeout:g} s") from error
        self.made.append(connection)
        return connection

    def open(self) -> int:
        """Connections with requests."""
        return sum(not one.over and one.client.running > 0 for one in self.made)


class Serving:
    """The end that an ENDPOINT has of a connection, its NUMBER-th."""

    def __init__(self, stream: Stream, endpoint: Endpoint, number: int) -> None:
        config = h2.config.H2Configuration(
            client_side=False, header_encoding="latin-1", validate_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = h2.settings.Settings(
            client=False, initial_values={h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
        )
        self._stream = stream
        self._endpoint = endpoint
        self._number = number
        self._asked: dict[int, Asked] = {}
        self._answers: dict[int, Answer] = {}
        self._opened = Event()

    def run(self) -> None:
        """Answer requests until the connection ends."""
        stream = self._stream
        self.h2.initiate_connection()
        with suppress(StreamError, h2.exceptions.ProtocolError):
            self.flush()
            while stream.fill(True):
                for event in self.h2.receive_data(stream.take(len(stream))):
                    self._take(event)
                self.flush()
        stream.close()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self._stream.send(data)

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            head = dict(event.headers)
            fields = [("host" if name == ":authority" else name, value) for name, value in event.headers]
            fields = [one for one in fields if not one[0].startswith(":")]
            asked = Asked(head[":method"], head[":path"], fields, self._number)
            self._asked[event.stream_id] = asked
            self._endpoint.asked.append(asked)
            answer = self._answers[event.stream_id] = self._endpoint.next()
            if answer.early or ":protocol" in head:  # a tunnel has no end to wait for
                gevent.spawn(self._answer, event.stream_id, answer, asked.method)
        elif isinstance(event, h2.events.DataReceived):
            self._asked[event.stream_id].content += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self._asked[event.stream_id].trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            self._asked[event.stream_id].whole = True
            answer = self._answers[event.stream_id]
            if not answer.early:
                gevent.spawn(self._answer, event.stream_id, answer, self._asked[event.stream_id].method)
        elif isinstance(event, h2.events.WindowUpdated):
            self._opened.set()

    def _answer(self, stream: int, answer: Answer, method: str) -> None:
        gevent.sleep(answer.after)
        with suppress(StreamError, h2.exceptions.ProtocolError):
            self._respond(stream, answer, method)
            self.flush()
            if answer.reset:
                gevent.sleep(0.2)  # or the reset takes away what has been sent
                self.h2.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
                self.flush()
            elif answer.raw or (answer.cut is not None and not answer.silent):
                self._stream.close()

    def _respond(self, stream: int, answer: Answer, method: str) -> None:
        if answer.raw:
            self._stream.send(answer.raw)
            return
        if answer.cut in (Cut.BEFORE, Cut.HEAD) or (answer.silent and answer.cut is None):
            return
        for status in answer.interim:
            self.h2.send_headers(stream, [(":status", str(status)), ("x-interim", str(status))])
        bodiless = method == "HEAD" or answer.status in (204, 304)
        fields = [(":status", str(answer.status)), *((name.lower(), value) for name, value in answer.fields)]
        if answer.sized and not bodiless:
            fields.append(("content-length", str(len(answer.content))))
        self.h2.send_headers(stream, fields, end_stream=bodiless)
        if bodiless:
            return
        self._content(stream, answer.content[: len(answer.content) // 2 if answer.cut else None])
        if answer.cut:
            return
        if answer.trailers:
            self.h2.send_headers(stream, [(name.lower(), value) for name, value in answer.trailers], end_stream=True)
        else:
            self.h2.end_stream(stream)

    def _content(self, stream: int, content: bytes) -> None:
        at = 0
        while at < len(content):
            room = min(self.h2.local_flow_control_window(stream), PIECE)
            if room <= 0:
                self._opened.clear()
                self._opened.wait()
                continue
            self.h2.send_data(stream, content[at : at + room])
            at += room
            self.flush()
