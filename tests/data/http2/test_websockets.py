"""WebSockets to endpoints that speak HTTP/2 (RFC 8441), from clients of both versions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from edge.table.records import Protocol, Transport
from tests.data.http2.test_endpoints import OK, Endpoint, answering, until
from tests.support.backends import GoneError
from tests.support.clients import head
from tests.support.frames import DATA, END_STREAM, HEADERS, RST_STREAM, Frame, Wire, data, fields_of, headers
from tests.support.stage import Stage
from tests.support.waiting import eventually

H2C = Transport(Protocol.HTTP2)
ASKING = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Protocol", "chat"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""For that key (RFC 6455, section 1.3)."""


def mirror(endpoint: Any, wire: Wire, number: int) -> None:
    """Agree, and send back what comes, the last byte first; the end is answered by the end."""
    while True:
        found = endpoint.request(wire, number)
        wire.send(headers(found.stream, (*OK, ("sec-websocket-protocol", "chat")), end=False))
        while not (piece := until(wire, DATA, found.stream)).flags & END_STREAM:
            wire.send(data(found.stream, piece.payload[::-1]))
        wire.send(data(found.stream, piece.payload[::-1], end=True))


def taking(play: Callable[..., None] = mirror) -> Endpoint:
    """An endpoint that announces that it takes extended CONNECT."""
    return Endpoint(play, s8=1)


def connect(host: str) -> tuple[tuple[str, str], ...]:
    """The head by which a client of HTTP/2 asks for a WebSocket."""
    pseudo = ((":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"))
    return (*pseudo, (":authority", host), ("sec-websocket-version", "13"), ("sec-websocket-protocol", "chat"))


def test_from_a_client_of_http_1(stage: Stage) -> None:
    with taking() as endpoint, stage.connect() as client:
        client.send(head("/chat", host=stage.serve(endpoint, transport=H2C), fields=ASKING))
        answer = client.head()
        assert (answer.status, answer.get("upgrade"), answer.get("connection")) == (101, "websocket", "upgrade")
        assert answer.get("sec-websocket-accept") == ACCEPT
        assert answer.get("sec-websocket-protocol") == "chat"
        for text in (b"abc", b"defg"):
            client.send(text)
            assert client.read(len(text)) == text[::-1]
        asked = endpoint.seen[0][1]
        assert (asked[":method"], asked[":protocol"], asked[":path"]) == ("CONNECT", "websocket", "/chat")
        assert (asked[":scheme"], asked["sec-websocket-version"]) == ("http", "13")
        assert not {"upgrade", "connection", "sec-websocket-key"} & set(asked)


def test_from_a_client_of_http_2(stage: Stage) -> None:
    with taking() as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, transport=H2C)
        wire = Wire(client.socket)
        wire.send(headers(1, connect(host), end=False))
        answer = fields_of(wire.until(HEADERS, 1))
        assert answer[0] == (":status", "200")
        assert dict(answer).get("sec-websocket-protocol") == "chat"
        assert "sec-websocket-accept" not in dict(answer)
        for text in (b"abc", b"defg"):
            wire.send(data(1, text))
            assert wire.until(DATA, 1).payload == text[::-1]
        wire.send(data(1, b"end", end=True))
        assert _rest(wire) == b"dne"
        assert endpoint.seen[0][1][":protocol"] == "websocket"


def _rest(wire: Wire) -> bytes:
    """What comes on stream 1 until its end."""
    content = b""
    while True:
        found: Frame = wire.until(DATA, 1)
        content += found.payload
        if found.flags & END_STREAM:
            return content


def test_a_client_that_leaves_ends_the_stream_of_the_endpoint(stage: Stage) -> None:
    ends: list[int] = []

    def play(endpoint: Any, wire: Wire, number: int) -> None:
        stream = endpoint.request(wire, number).stream
        wire.send(headers(stream, OK, end=False))
        while (found := wire.next()) is not None:
            if found.stream == stream and (found.kind == RST_STREAM or found.flags & END_STREAM):
                ends.append(found.kind)
                wire.send(data(stream, b"", end=True))

    with taking(play) as endpoint:
        with stage.connect() as client:
            client.send(head("/chat", host=stage.serve(endpoint, transport=H2C), fields=ASKING))
            assert client.head().status == 101
        eventually(lambda: ends)


def test_an_endpoint_that_ends_the_stream_ends_the_connection_of_the_client(stage: Stage) -> None:
    def play(endpoint: Any, wire: Wire, number: int) -> None:
        stream = endpoint.request(wire, number).stream
        wire.send(headers(stream, OK, end=False), data(stream, b"bye", end=True))
        with suppress(GoneError):
            until(wire, RST_STREAM)

    with taking(play) as endpoint, stage.connect() as client:
        client.send(head("/chat", host=stage.serve(endpoint, transport=H2C), fields=ASKING))
        assert client.head().status == 101
        assert client.read_to_end() == b"bye"


def test_an_endpoint_may_decline(stage: Stage) -> None:
    def play(endpoint: Any, wire: Wire, number: int) -> None:
        while True:
            stream = endpoint.request(wire, number).stream
            wire.send(headers(stream, ((":status", "403"),), end=False), data(stream, b"not you", end=True))

    with taking(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, transport=H2C)
        answer = client.request("/chat", host=host, fields=ASKING)
        assert (answer.status, answer.body) == (403, b"not you")
        wire = Wire(stage.connect().socket)
        wire.send(headers(1, connect(host), end=False))
        assert wire.response(1) == (403, b"not you")


def test_where_the_endpoint_takes_none_the_answer_is_502_and_the_connection_stays(stage: Stage) -> None:
    with Endpoint(answering) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, transport=H2C)
        assert client.request("/chat", host=host, fields=ASKING).status == 502
        eventually(lambda: "takes no WebSockets over HTTP/2" in stage.edge.log)
        wire = Wire(stage.connect().socket)
        wire.send(headers(1, connect(host), end=False))
        assert wire.response(1)[0] == 502
        assert stage.get(host).body == b"1 ", "the first connection"


@pytest.mark.parametrize("fields", [[("Connection", "Upgrade"), ("Upgrade", "chat")], ASKING[:-1]])
def test_another_upgrade_is_ignored(stage: Stage, fields: list[tuple[str, str]]) -> None:
    with taking(answering) as endpoint:
        assert stage.get(stage.serve(endpoint, transport=H2C), fields=fields).body == b"1 "
        assert endpoint.seen[0][1][":method"] == "GET"
        assert "upgrade" not in endpoint.seen[0][1]
