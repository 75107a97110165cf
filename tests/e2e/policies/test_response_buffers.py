"""proxy-buffering, proxy-buffer-size and X-Accel-Buffering, over real sockets."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from tests.support.backends import Peer, Script, pattern, read_head
from tests.support.clients import head
from tests.support.ingresses import Annotated
from tests.support.waiting import eventually

SIZE = 40 << 20
"""More than the sockets on the way hold."""


class Pouring(Script):
    """Answers with SIZE bytes and further FIELDS; `done` when all have been taken."""

    def __init__(self, fields: bytes = b"") -> None:
        self.done = threading.Event()
        self._fields = fields
        super().__init__(self.play)

    def play(self, peer: Peer) -> None:
        read_head(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n" % (SIZE, self._fields))
        for _ in range(SIZE >> 20):
            peer.send(pattern(1 << 20))
        self.done.set()
        read_head(peer)


def slow(edge: Annotated, fields: bytes = b"", **annotations: Any) -> bool:
    """Whether an endpoint comes to its end while its client reads nothing; the client gets everything then."""
    with Pouring(fields) as server, edge.connect() as client:
        edge.service("pouring", server)
        host = edge.ingress("@ Prefix / pouring", **annotations)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(head("/", host=host))
        answer = client.head()
        assert (answer.status, answer.get("x-accel-buffering")) == (200, None)
        ends = server.done.wait(3.0)
        assert edge.get(edge.ingress()).status == 200, "others go on"
        assert client.read(SIZE) == pattern(1 << 20) * (SIZE >> 20)
        eventually(server.done.is_set)
        return ends


def test_on_lets_the_endpoint_come_to_its_end(edge: Annotated) -> None:
    assert slow(edge, proxy_buffering="on")


def test_off_is_the_default(edge: Annotated) -> None:
    assert not slow(edge)


def test_a_file_that_is_too_small_has_it_wait(edge: Annotated) -> None:
    assert not slow(edge, proxy_buffering="on", proxy_max_temp_file_size="1m")


@pytest.mark.parametrize(("word", "annotations"), [("yes", {}), ("no", {"proxy_buffering": "on"})])
def test_a_response_may_decide_for_itself(edge: Annotated, word: str, annotations: dict[str, str]) -> None:
    assert slow(edge, f"X-Accel-Buffering: {word}\r\n".encode(), **annotations) is (word == "yes")


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_events_are_not_held_back(edge: Annotated, buffering: str) -> None:
    go_on = threading.Semaphore(0)

    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            peer.send(b"9\r\ndata: x\n\n\r\n")
            assert go_on.acquire(timeout=40)
        peer.send(b"0\r\n\r\n")

    with Script(play) as server, edge.connect() as client:
        edge.service("events", server)
        client.send(head("/", host=edge.ingress("@ Prefix / events", proxy_buffering=buffering)))
        assert client.head().status == 200
        for _ in range(3):
            assert client.read(14) == b"9\r\ndata: x\n\n\r\n"
            go_on.release()
        assert client.read(5) == b"0\r\n\r\n"


def test_a_head_above_the_buffer_is_502(edge: Annotated) -> None:
    def play(peer: Peer) -> None:
        while True:
            size = int(read_head(peer).target[1:])
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Fill: %b\r\n\r\n" % (b"a" * size))

    with Script(play) as server:
        edge.service("filled", server)
        small, large, default = (
            edge.ingress("@ Prefix / filled", **annotations)
            for annotations in ({"proxy_buffer_size": "4k"}, {"proxy_buffer_size": "48k"}, {})
        )
        assert [edge.get(small, f"/{size}").status for size in (4000, 4096)] == [200, 502]
        assert [edge.get(large, f"/{size}").status for size in (40_000, 49_152)] == [200, 502]
        assert [edge.get(default, f"/{size}").status for size in (30_000, 32_768)] == [200, 502]
