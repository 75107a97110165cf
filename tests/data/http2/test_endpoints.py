"""Endpoints that speak HTTP/2, frame by frame: what they get, what of theirs is passed on, and what is tried again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from edge.data.http.h2.errors import ErrorCode
from edge.table.policies import RequestBuffering, Retry
from edge.table.records import Protocol, Transport
from tests.support.backends import GoneError, Peer, Script
from tests.support.backends import answering as answering_old
from tests.support.clients import head
from tests.support.frames import (
    ACK,
    DATA,
    END_STREAM,
    GET,
    GOAWAY,
    HEADERS,
    PING,
    POST,
    PREFACE,
    RST_STREAM,
    Frame,
    Wire,
    data,
    fields_of,
    frame,
    headers,
    number,
    settings,
)
from tests.support.stage import Stage
from tests.support.waiting import eventually

H2C = Transport(Protocol.HTTP2)
OK = ((":status", "200"),)
PATIENCE = 30


class Endpoint(Script):
    """Plays a connection by PLAY, which gets its wire and its number; `seen`: heads that have come, by connection."""

    def __init__(self, play: Callable[[Endpoint, Wire, int], None], **values: int) -> None:
        self._settings = settings(**values)
        self.seen: list[tuple[int, dict[str, str]]] = []
        self._script = play
        super().__init__(self._begin)

    def _begin(self, peer: Peer) -> None:
        assert peer.socket.recv(24, socket.MSG_WAITALL) == PREFACE
        self._script(self, Wire(peer.socket, first=self._settings), peer.number)

    def request(self, wire: Wire, number: int) -> Frame:
        """The next head."""
        found = until(wire, HEADERS)
        self.seen.append((number, dict(fields_of(found))))
        return found


def until(wire: Wire, kind: int, stream: int | None = None) -> Frame:
    """The next frame of KIND, of STREAM where it is given."""
    while (found := wire.next()) is not None:
        if found.kind == kind and stream in (None, found.stream):
            return found
    raise GoneError


def content_of(wire: Wire, head: Frame) -> bytes:
    """The content behind HEAD."""
    content, ended = b"", head.flags & END_STREAM
    while not ended:
        one = until(wire, DATA, head.stream)
        content += one.payload
        ended = one.flags & END_STREAM
    return content


def answering(endpoint: Endpoint, wire: Wire, number: int) -> None:
    """Answer each request with its content, and the number of the connection before it."""
    while True:
        found = endpoint.request(wire, number)
        content = content_of(wire, found)
        wire.send(headers(found.stream, OK, end=False), data(found.stream, b"%d %b" % (number, content), end=True))


def reset(stream: int, code: ErrorCode) -> bytes:
    return frame(RST_STREAM, 0, stream, number(code))


def go_away(last: int) -> bytes:
    return frame(GOAWAY, payload=number(last) + number(0))


@pytest.fixture
def post(stage: Stage) -> Callable[..., Any]:
    return lambda host, body=b"pay", **rest: stage.get(host, method="POST", body=body, **rest)


# --- the request ------------------------------------------------------------------------------------------------------


def test_a_request_has_its_pseudo_fields_and_no_field_of_a_connection(stage: Stage) -> None:
    with Endpoint(answering) as endpoint:
        host = stage.serve(endpoint, transport=H2C)
        fields = [("TE", "gzip, trailers"), ("Connection", "X-Hop"), ("X-Hop", "1"), ("X-Own", "2"), ("Cookie", "a=b")]
        assert stage.get(host, "/a?b", method="PUT", body=b"text", fields=fields).body == b"1 text"
    ((_, got),) = endpoint.seen
    pseudo = {name: value for name, value in got.items() if name.startswith(":")}
    assert pseudo == {":method": "PUT", ":scheme": "http", ":authority": host, ":path": "/a?b"}
    assert (got["te"], got["x-own"], got["cookie"], got["content-length"]) == ("trailers", "2", "a=b", "4")
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert not {"connection", "x-hop", "host", "transfer-encoding"} & got.keys()


def test_what_a_client_says_of_itself_is_kept_apart(stage: Stage) -> None:
    with Endpoint(answering) as endpoint:
        host = stage.serve(endpoint, transport=H2C)
        stage.get(host, fields=[("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "192.0.2.2")])
    assert endpoint.seen[0][1]["x-original-forwarded-for"] == "192.0.2.1, 192.0.2.2"


def test_a_ping_is_answered_and_the_connection_stays(stage: Stage) -> None:
    answered = threading.Event()

    def play(endpoint: Endpoint, wire: Wire, number: int) -> None:
        asked = endpoint.request(wire, number)
        wire.send(frame(PING, payload=b"12345678"))
        found = until(wire, PING)
        if (found.flags, found.payload) == (ACK, b"12345678"):
            answered.set()
        wire.send(headers(asked.stream, OK))
        answering(endpoint, wire, number)

    with Endpoint(play) as endpoint:
        host = stage.serve(endpoint, transport=H2C)
        assert [stage.get(host).body for _ in range(3)] == [b"", b"1 ", b"1 "]
        assert answered.wait(PATIENCE)


# --- connections ------------------------------------------------------------------------------------------------------


def test_no_more_requests_at_a_time_than_the_endpoint_allows_and_then_another_connection(stage: Stage) -> None:
    release = threading.Event()

    def play(endpoint: Endpoint, wire: Wire, number: int) -> None:
        found = [endpoint.request(wire, number)]
        while len(endpoint.seen) < 5:
            if number < 3 and len(found) < 2:
                found.append(endpoint.request(wire, number))
            release.wait(0.01)
        release.wait(PATIENCE)
        wire.send(*(headers(one.stream, OK) for one in found))
        wire.end()

    with Endpoint(play, s3=2) as endpoint, ThreadPoolExecutor(5) as pool:
        host = stage.serve(endpoint, transport=H2C)
        asked = [pool.submit(stage.get, host) for _ in range(5)]
        eventually(lambda: len(endpoint.seen) == 5)
        release.set()
        assert [one.result().status for one in asked] == [200] * 5
    assert sorted(number for number, _ in endpoint.seen) == [1, 1, 2, 2, 3]


def test_one_that_allows_no_request_is_502_after_one_connection(stage: Stage) -> None:
    with Endpoint(lambda _endpoint, wire, _number: wire.end(), s3=0) as endpoint:
        assert stage.get(stage.serve(endpoint, transport=H2C)).status == 502
        assert endpoint.connections == 1


def test_one_that_does_not_speak_it_is_502_and_one_that_says_nothing_504(stage: Stage) -> None:
    other = Script(answering_old(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", close=True))
    with other as old, Script(lambda peer: peer.read(1000)) as silent:
        assert stage.get(stage.serve(old, transport=H2C)).status == 502
        assert stage.get(stage.serve(silent, transport=H2C, connect=0.5)).status == 504


# --- tried again ------------------------------------------------------------------------------------------------------


def test_a_request_that_is_refused_is_tried_elsewhere_whatever_its_method(stage: Stage, post) -> None:
    def refusing(endpoint: Endpoint, wire: Wire, number: int) -> None:
        while True:
            wire.send(reset(endpoint.request(wire, number).stream, ErrorCode.REFUSED_STREAM))

    with Endpoint(refusing) as one, Endpoint(answering) as other:
        host = stage.serve(one, other, transport=H2C)
        assert [post(host).body for _ in range(4)] == [b"1 pay"] * 4
        assert one.seen


def test_so_is_one_that_a_goaway_leaves_out(stage: Stage, post) -> None:
    def leaving(endpoint: Endpoint, wire: Wire, number: int) -> None:
        if number > 1:
            answering(endpoint, wire, number)
        endpoint.request(wire, number)
        wire.send(go_away(0))
        wire.end()

    with Endpoint(leaving) as endpoint:
        assert post(stage.serve(endpoint, transport=H2C)).body == b"2 pay"


def test_one_that_a_goaway_takes_in_is_answered_and_the_next_has_another_connection(stage: Stage, post) -> None:
    def leaving(endpoint: Endpoint, wire: Wire, number: int) -> None:
        if number > 1:
            answering(endpoint, wire, number)
        found = endpoint.request(wire, number)
        wire.send(go_away(found.stream))
        content_of(wire, found)
        wire.send(headers(found.stream, OK, end=False), data(found.stream, b"last", end=True))
        wire.end()

    with Endpoint(leaving) as endpoint:
        host = stage.serve(endpoint, transport=H2C)
        assert [post(host).body, post(host).body] == [b"last", b"2 pay"]


@pytest.mark.parametrize(("method", "status", "asked"), [("POST", 502, 1), ("GET", 200, 2)])
def test_one_that_is_reset_otherwise_is_tried_again_if_it_is_idempotent(
    stage: Stage, method: str, status: int, asked: int
) -> None:
    def resetting(endpoint: Endpoint, wire: Wire, number: int) -> None:
        wire.send(reset(endpoint.request(wire, number).stream, ErrorCode.INTERNAL_ERROR))
        answering(endpoint, wire, number)

    with Endpoint(resetting) as endpoint:
        host = stage.serve(endpoint, transport=H2C)
        assert stage.get(host, method=method).status == status
        assert len(endpoint.seen) == asked


def test_a_connection_that_breaks_fails_those_of_its_requests_that_may_not_be_repeated(stage: Stage, post) -> None:
    def breaking(endpoint: Endpoint, wire: Wire, number: int) -> None:
        endpoint.request(wire, number)
        wire.socket.close()

    with Endpoint(breaking) as endpoint:
        host = stage.serve(endpoint, transport=H2C, retry=Retry("test", 2))
        assert post(host).status == 502
        assert len(endpoint.seen) == 1
        assert stage.get(host).status == 502
        assert len(endpoint.seen) == 3


# --- the response -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (("x-a", "1"),),
        ((":status", "20"),),
        ((":status", "2x0"),),
        ((":status", "101"),),
        ((":status", "200"), (":status", "200")),
        (("x-a", "1"), (":status", "200")),
        ((":status", "200"), (":path", "/")),
        ((":status", "200"), ("X-A", "1")),
        ((":status", "200"), ("x-a", "1\r\nx-b: 2")),
        ((":status", "200"), ("connection", "close")),
        ((":status", "200"), ("transfer-encoding", "chunked")),
        ((":status", "200"), ("content-length", "1"), ("content-length", "1")),
        ((":status", "200"), ("content-length", "x")),
        ((":status", "200"), ("content-length", "5")),
        ((":status", "103"),),
    ],
)
def test_a_malformed_head_is_502_and_no_other_request_notices(stage: Stage, fields: tuple[Any, ...]) -> None:
    def play(endpoint: Endpoint, wire: Wire, number: int) -> None:
        wire.send(headers(endpoint.request(wire, number).stream, fields))
        answering(endpoint, wire, number)

    with Endpoint(play) as endpoint:
        host = stage.serve(endpoint, transport=H2C, retry=Retry("test", 1))
        assert stage.get(host).status == 502
        assert stage.get(host).body == b"1 "


def test_content_that_is_not_as_long_as_announced_breaks_the_answer(stage: Stage) -> None:
    def play(endpoint: Endpoint, wire: Wire, number: int) -> None:
        stream = endpoint.request(wire, number).stream
        wire.send(headers(stream, (*OK, ("content-length", "10")), end=False), data(stream, b"short"))
        begun.wait(PATIENCE)
        wire.send(data(stream, b"er", end=True))
        wire.end()

    begun = threading.Event()
    with Endpoint(play) as endpoint, stage.connect() as client:
        client.send(head("/", host=stage.serve(endpoint, transport=H2C)))
        assert client.head().status == 200
        begun.set()
        assert client.read_to_end().startswith(b"short")


@pytest.mark.parametrize(
    ("code", "handed_on"),
    [
        (ErrorCode.CANCEL, ErrorCode.CANCEL),
        (ErrorCode.ENHANCE_YOUR_CALM, ErrorCode.ENHANCE_YOUR_CALM),
        (ErrorCode.NO_ERROR, ErrorCode.INTERNAL_ERROR),
        (ErrorCode.REFUSED_STREAM, ErrorCode.INTERNAL_ERROR),
        (ErrorCode.PROTOCOL_ERROR, ErrorCode.INTERNAL_ERROR),
    ],
)
def test_a_reset_within_a_response_reaches_the_client(stage: Stage, code: ErrorCode, handed_on: ErrorCode) -> None:
    """With its code, where that is about the request and not about the connection between Edge and the endpoint."""

    def play(endpoint: Endpoint, wire: Wire, number: int) -> None:
        stream = endpoint.request(wire, number).stream
        wire.send(headers(stream, OK, end=False), data(stream, b"begun"))
        begun.wait(PATIENCE)
        wire.send(reset(stream, code))
        wire.end()

    begun = threading.Event()
    with Endpoint(play) as endpoint, stage.connect() as client:
        wire = Wire(client.socket)
        wire.send(headers(1, (*GET[:3], (":authority", stage.serve(endpoint, transport=H2C)))))
        assert wire.until(DATA, 1).payload == b"begun"
        begun.set()
        assert wire.until(RST_STREAM, 1).code == handed_on


def test_a_response_that_nobody_reads_stops_its_stream_and_no_other(stage: Stage) -> None:
    stuck, sent = threading.Event(), 0

    def play(endpoint: Endpoint, wire: Wire, number: int) -> None:
        nonlocal sent
        first = endpoint.request(wire, number)
        wire.send(headers(first.stream, OK, end=False))
        room = 65535
        while room:
            size = min(room, 16384)
            wire.send(data(first.stream, bytes(size)))
            room -= size
            sent += size
        stuck.set()
        answering(endpoint, wire, number)

    with Endpoint(play) as endpoint, stage.connect() as reader:
        host = stage.serve(endpoint, transport=H2C)
        reader.send(head("/", host=host))
        assert stuck.wait(PATIENCE)
        assert [stage.get(host).body for _ in range(3)] == [b"1 "] * 3


# --- giving up --------------------------------------------------------------------------------------------------------


@pytest.fixture
def stalled() -> Iterator[Endpoint]:
    """Takes nothing of any content, answers nothing, and notes the resets."""

    def play(endpoint: Any, wire: Wire, number: int) -> None:
        while True:
            found = endpoint.request(wire, number)
            endpoint.resets.append(until(wire, RST_STREAM, found.stream).code)

    with Endpoint(play, s4=0) as endpoint:
        endpoint.resets = []  # type: ignore[attr-defined]
        yield endpoint


def test_a_client_that_leaves_resets_the_stream_at_the_endpoint(stage: Stage, stalled: Any) -> None:
    with stage.connect() as client:
        client.send(head("/", host=stage.serve(stalled, transport=H2C)))
        eventually(lambda: stalled.seen)
    eventually(lambda: stalled.resets == [ErrorCode.CANCEL])


def test_a_stream_that_its_client_resets_within_its_upload_is_reset_at_once(stage: Stage, stalled: Any) -> None:
    host = stage.serve(stalled, transport=H2C)
    with stage.connect() as client:
        wire = Wire(client.socket)
        wire.send(headers(1, (*POST[:3], (":authority", host)), end=False), data(1, bytes(1000)))
        eventually(lambda: stalled.seen)
        wire.send(reset(1, ErrorCode.CANCEL))
        eventually(lambda: stalled.resets == [ErrorCode.CANCEL])


def test_the_same_ends_the_connection_to_an_endpoint_of_http_1(stage: Stage) -> None:
    begun, ended = threading.Event(), threading.Event()

    def play(peer: Peer) -> None:
        peer.line()
        begun.set()
        while peer.socket.recv(262144):
            pass
        ended.set()

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, policies=(RequestBuffering("test", 0),))
        wire = Wire(client.socket)
        wire.send(headers(1, (*POST[:3], (":authority", host)), end=False), data(1, bytes(100)))
        assert begun.wait(PATIENCE)
        wire.send(reset(1, ErrorCode.CANCEL))
        assert ended.wait(PATIENCE)


def test_a_response_in_time_is_awaited_no_longer_than_its_timeout(stage: Stage, stalled: Any) -> None:
    host = stage.serve(stalled, transport=H2C, read=0.5, retry=Retry("test", 1))
    assert stage.get(host).status == 504
    eventually(lambda: stalled.resets == [ErrorCode.CANCEL])
