"""proxy-body-size, proxy-request-buffering and client-body-buffer-size, over real sockets."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.backends import Peer, Script, body_pieces, pattern, read_head
from tests.support.clients import head
from tests.support.ingresses import Annotated
from tests.support.waiting import eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHUNKED = ("Transfer-Encoding", "chunked")


class Seen(Script):
    """Says what of a request has come: its `fields` and `pieces`; hangs up behind the first FAULTS of them."""

    def __init__(self, faults: int = 0) -> None:
        self.pieces: list[bytes] = []
        self.fields: list[dict[str, str]] = []
        self._faults = faults
        super().__init__(self.play)

    def play(self, peer: Peer) -> None:
        while True:
            request = read_head(peer)
            self.fields.append({name.lower(): value for name, value in request.fields})
            self.pieces.append(b"")
            for piece in body_pieces(peer, request):
                self.pieces[-1] += piece
            if len(self.pieces) <= self._faults:
                return
            peer.send(OK)


@pytest.fixture
def seen(edge: Annotated) -> Iterator[Seen]:
    with Seen() as server:
        edge.service("seen", server)
        yield server


def chunks(data: bytes, size: int = 10_000) -> bytes:
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def upload(edge: Annotated, host: str, data: bytes, **rest: Any) -> Any:
    return edge.get(host, "/upload", method="POST", body=data, **rest)


# --- the limit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotations", "most"),
    [({}, 1 << 20), ({"proxy_body_size": "3m"}, 3 << 20), ({"proxy_body_size": "1k"}, 1024)],
    ids=["default", "3m", "1k"],
)
def test_a_larger_body_is_413(edge: Annotated, annotations: dict[str, str], most: int) -> None:
    host = edge.ingress(**annotations)
    assert upload(edge, host, pattern(most)).json()["length"] == most
    assert upload(edge, host, pattern(most + 1)).status == 413
    for size, status in ((most, 200), (most + 1, 413)):
        with edge.connect() as client:
            client.send(head("/upload", method="POST", host=host, fields=[CHUNKED]) + chunks(pattern(size)))
            assert client.response("POST").status == status


def test_0_is_no_limit(edge: Annotated) -> None:
    data = pattern(5_000_000)
    answer = upload(edge, edge.ingress(proxy_body_size="0"), data).json()
    assert answer == {"length": len(data), "sha256": hashlib.sha256(data).hexdigest(), "trailers": []}


def test_a_size_that_cannot_be_read_leaves_the_default(edge: Annotated) -> None:
    host = edge.ingress(proxy_body_size="15r")
    assert edge.reasons() == ["InvalidAnnotation"]
    assert upload(edge, host, pattern((1 << 20) + 1)).status == 413


# --- on, the default --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 500_000])
def test_the_endpoint_is_asked_when_all_has_come(edge: Annotated, seen: Seen, size: int) -> None:
    host, data = edge.ingress("@ Prefix / seen"), chunks(pattern(size))
    with edge.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[CHUNKED]) + data[:-5])
        assert edge.get(edge.ingress()).status == 200, "others go on"
        assert seen.connections == 0
        client.send(data[-5:])
        assert client.response("POST").status == 200
    assert seen.pieces == [pattern(size)]
    assert seen.fields[0]["content-length"] == str(size)
    assert "transfer-encoding" not in seen.fields[0]


def test_a_client_that_waits_to_be_asked_is_asked(edge: Annotated, seen: Seen) -> None:
    host = edge.ingress("@ Prefix / seen")
    fields = [("Content-Length", "500000"), ("Expect", "100-continue")]
    with edge.connect() as client:
        client.send(head("/", method="POST", host=host, fields=fields))
        assert client.head().status == 100
        client.send(pattern(500_000))
        assert client.response("POST").status == 200
    assert seen.pieces == [pattern(500_000)]


def test_a_post_of_5_mb_is_sent_again(edge: Annotated) -> None:
    with Seen(faults=1) as server:
        edge.service("breaking", server)
        host = edge.ingress(
            "@ Prefix / breaking", proxy_body_size="8m", proxy_next_upstream="error timeout non_idempotent"
        )
        assert upload(edge, host, pattern(5 << 20)).status == 200
        assert server.pieces == [pattern(5 << 20)] * 2


def test_a_client_that_leaves_asks_nobody_and_leaves_no_file(edge: Annotated, seen: Seen) -> None:
    host = edge.ingress("@ Prefix / seen")
    with edge.connect() as client:  # the worker opens some of its own for the first request
        client.send(head("/", host=host))
        assert client.response("GET").status == 200
    asked = seen.connections
    before = edge.descriptors()
    for _ in range(5):
        with edge.connect() as client:
            client.send(head("/", method="POST", host=host, fields=[("Content-Length", "900000")]) + pattern(500_000))
    eventually(lambda: edge.descriptors() <= before)
    assert seen.connections == asked


def test_no_byte_of_it_is_read_before_the_gates_have_let_the_request_pass(edge: Annotated, seen: Seen) -> None:
    """A client that waits to be asked shows it."""
    host = edge.ingress("@ Prefix / seen", denylist_source_range="127.0.0.0/8")
    fields = [("Content-Length", "500000"), ("Expect", "100-continue")]
    with edge.connect() as client:
        client.send(head("/", method="POST", host=host, fields=fields))
        assert client.response("POST").status == 403
    assert seen.connections == 0


# --- off --------------------------------------------------------------------------------------------------------------


def test_off_lets_both_sides_talk_at_once(edge: Annotated) -> None:
    def echo(peer: Peer) -> None:
        request = read_head(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in body_pieces(peer, request):
            peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        peer.send(b"0\r\n\r\n")

    with Script(echo) as server, edge.connect() as client:
        edge.service("echo", server)
        host = edge.ingress("@ Prefix / echo", proxy_request_buffering="off")
        client.send(head("/", method="POST", host=host, fields=[CHUNKED]))
        assert client.head().status == 200
        for _ in range(3):
            client.send(b"5\r\nhello\r\n")
            assert client.read(10) == b"5\r\nhello\r\n"
        client.send(b"0\r\n\r\n")
        assert client.read(5) == b"0\r\n\r\n"


def test_off_passes_on_the_first_bytes_of_a_small_body_too(edge: Annotated, seen: Seen) -> None:
    host = edge.ingress("@ Prefix / seen", proxy_request_buffering="off")
    with edge.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[("Content-Length", "10")]) + b"hello")
        eventually(lambda: seen.pieces == [b"hello"])
        client.send(b"hello")
        assert client.response("POST").status == 200


def test_off_sends_nothing_twice(edge: Annotated) -> None:
    with Seen(faults=1) as server:
        edge.service("breaking", server)
        host = edge.ingress("@ Prefix / breaking", proxy_request_buffering="off")
        assert edge.get(host, method="PUT", body=b"hello").status == 502
        assert len(server.pieces) == 1


def test_off_and_a_limit(edge: Annotated, seen: Seen) -> None:
    host = edge.ingress("@ Prefix / seen", proxy_request_buffering="off", proxy_body_size="1k")
    with edge.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[CHUNKED]) + chunks(pattern(1000))[:-5])
        eventually(lambda: seen.pieces == [pattern(1000)])
        client.send(chunks(pattern(100)))
        assert client.response("POST").status == 413


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_many_uploads_at_once_share_the_worker(edge: Annotated) -> None:
    host, data = edge.ingress(), pattern(900_000)
    statuses: list[int] = []
    senders = [threading.Thread(target=lambda: statuses.append(upload(edge, host, data).status)) for _ in range(20)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert statuses == [200] * 20
