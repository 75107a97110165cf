"""The client's half of an exchange over HTTP/2, with the library `h2` at the other end of its socket."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import gevent
import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import pytest
from gevent.event import Event

from edge.data.connections.caller import Caller
from edge.data.connections.connections import Connections
from edge.data.connections.h2 import Http2
from edge.data.net.errors import StreamError
from edge.data.net.peers import PLAIN, Peer
from tests.support.play.sockets import ADDRESS, PATIENCE, pair

if TYPE_CHECKING:
    from edge.data.net._stream import Stream
    from tests.support.play.scene import Received, Scene
    from tests.support.play.script import Request

Fields = list[tuple[str, str]]
CONNECTION_FIELDS = frozenset(("connection", "upgrade"))


def exchange(scene: Scene, request: Request, received: Received, *, secure: bool, peer: Peer = PLAIN) -> None:
    """Serve REQUEST on a connection of its own."""
    if request.version != "1.1":
        pytest.skip("HTTP/2 knows no versions of HTTP/1")
    near, far = pair()
    connections = Connections(scene.settings, scene.counters, scene.handler)
    caller = Caller(connections.forwarding, address=ADDRESS, port=443 if secure else 80, secure=secure, peer=peer)
    server = Http2(connections, near, caller)
    over = Event()
    serving = gevent.spawn(server.serve, over.set)
    client = Client(far)
    try:
        client.ask(request, received)
    except (StreamError, h2.exceptions.ProtocolError):
        received.whole = False
    finally:
        far.close()
        over.wait(PATIENCE)
    assert over.is_set(), "the connection is not left alone"
    serving.get()


class Client:
    """A client that speaks through STREAM."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        # What a test sends is sent, and what Edge sends is checked.
        config = h2.config.H2Configuration(
            header_encoding="latin-1", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.stream.send(data)

    def events(self) -> list[h2.events.Event]:
        """What comes next; empty: the connection has ended."""
        while True:
            if self.stream.fill(True) == 0:
                return []
            events = self.h2.receive_data(self.stream.take(len(self.stream)))
            self.flush()
            if events:
                return events

    def head(self, request: Request, *, scheme: str = "http") -> Fields:
        """The fields of REQUEST, but for what frames the content."""
        fields = [(name.lower(), value) for name, value in request.fields]
        named = dict(fields)
        head = [(":method", request.method), (":scheme", scheme), (":path", request.target)]
        if request.host is not None:
            head.append((":authority", request.host))
        if "upgrade" in named:
            head[0] = (":method", "CONNECT")
            head.append((":protocol", named["upgrade"]))
        return head + [one for one in fields if one[0] not in CONNECTION_FIELDS]

    def ask(self, request: Request, received: Received) -> None:
        """Send REQUEST and put what comes into RECEIVED."""
        tunnels = any(name.lower() == "upgrade" for name, _ in request.fields)
        if tunnels:
            self.events()  # its settings say that it may
        fields = self.head(request)
        if request.has_content and request.sized:
            fields.append(("content-length", str(len(request.content))))
        self.h2.send_headers(1, fields, end_stream=not request.has_content and not tunnels)
        self.flush()
        sending = gevent.spawn(self._send, request)
        try:
            self._receive(received, request if tunnels else None)
        finally:
            sending.kill()

    def _send(self, request: Request) -> None:
        with suppress(StreamError, h2.exceptions.ProtocolError):
            if request.has_content:
                self._content(request.sent)
                if request.stops is None:
                    if request.trailers:
                        self.h2.send_headers(1, [(name.lower(), value) for name, value in request.trailers], True)
                    else:
                        self.h2.end_stream(1)
                self.flush()
            if request.leaves:
                gevent.sleep(0.1)  # until the request has been read; a silent endpoint in memory is given up after 0.3
                self.stream.abort()
            elif request.stops is not None and not request.silent:
                self.stream.close()

    def _content(self, content: bytes) -> None:
        at = 0
        while at < len(content):
            room = min(self.h2.local_flow_control_window(1), self.h2.max_outbound_frame_size)
            if not room:
                gevent.sleep(0.001)
                continue
            self.h2.send_data(1, content[at : at + room])
            at += room
            self.flush()

    def _receive(self, received: Received, tunnelling: Request | None) -> None:
        while not received.whole:
            events = self.events()
            if not events:
                return
            for event in events:
                self._take(event, received, tunnelling)
            self.flush()

    def _take(self, event: h2.events.Event, received: Received, tunnelling: Request | None) -> None:
        if isinstance(event, h2.events.InformationalResponseReceived):
            status, *fields = event.headers
            received.interim.append((int(status[1]), fields))
            received.expected |= status[1] == "100"
        elif isinstance(event, h2.events.ResponseReceived):
            (_, status), *fields = event.headers
            if tunnelling and status == "200":
                status = "101"  # as the other halves say it
                gevent.spawn(self._tunnel, tunnelling)
            received.begin(f"HTTP/2 {status} ", fields)
        elif isinstance(event, h2.events.DataReceived):
            received.content += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            received.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            received.whole = True
        elif isinstance(event, h2.events.StreamReset) and received.whole:
            pass  # the rest of the request is not wanted (RFC 9113, section 8.1)
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise StreamError("reset")

    def _tunnel(self, request: Request) -> None:
        self._content(request.then)
        self.h2.end_stream(1)
        self.flush()
