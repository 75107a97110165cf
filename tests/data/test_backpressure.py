"""A slow reader slows the writer down: a worker buffers a limited part of any body."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

import pytest

from tests.support.backends import Backend, Peer, Script, body_pieces, read_head
from tests.support.clients import Client, head
from tests.support.stage import STREAMED, Stage
from tests.support.waiting import eventually

LARGE = 200 << 20
PIECE = bytes(range(256)) * 256
"""64 KiB."""
FLAT = 6 << 20
"""Bytes by which a worker may grow: the buffers of the connections, and what the allocator keeps."""


class Peak:
    """The most memory that the workers had while it was watched."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._ending = threading.Event()
        self._base = stage.memory()
        self.growth = 0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(0.03):
            self.growth = max(self.growth, self._stage.memory() - self._base)


def pouring(framing: str, sent: list[int]) -> Callable[[Peer], None]:
    """Answer with LARGE bytes, telling in SENT how many have been taken."""

    def play(peer: Peer) -> None:
        read_head(peer)
        sized = framing == "sized"
        fields = f"Content-Length: {LARGE}" if sized else "Transfer-Encoding: chunked"
        peer.send(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode())
        piece = PIECE if sized else b"10000\r\n" + PIECE + b"\r\n"
        for _ in range(LARGE // len(PIECE)):
            peer.send(piece)
            sent[0] += len(PIECE)
        if not sized:
            peer.send(b"0\r\n\r\n")

    return play


def stalls(progress: list[int]) -> bool:
    """Whether PROGRESS has come to a stand."""
    before = progress[0]
    time.sleep(0.15)
    return 0 < before == progress[0]


@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_a_slow_reader_holds_a_large_answer_up(stage: Stage, connect: Callable[[], Client], framing: str) -> None:
    sent = [0]
    with Script(pouring(framing, sent)) as endpoint, connect() as client:
        host = stage.serve(endpoint)
        client.send(head("/", host=host))
        assert client.head().status == 200
        with Peak(stage) as peak:
            eventually(lambda: stalls(sent))
            assert sent[0] < LARGE // 4, "held by the sockets on the way"
            received = len(client.buffer)
            while received < LARGE:
                received += len(client.socket.recv(1 << 20))
        assert sent[0] == LARGE
    assert peak.growth < FLAT


@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_a_slow_endpoint_holds_a_large_upload_up(stage: Stage, connect: Callable[[], Client], framing: str) -> None:
    go_on = threading.Event()
    digest = hashlib.sha256()

    def play(peer: Peer) -> None:
        request = read_head(peer)
        assert go_on.wait(40)
        for piece in body_pieces(peer, request):
            digest.update(piece)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    sent = [0]

    def upload(client: Client, piece: bytes) -> None:
        for _ in range(LARGE // len(PIECE)):
            client.send(piece)
            sent[0] += len(PIECE)

    with Script(play) as endpoint, connect() as client:
        host = stage.serve(endpoint, policies=STREAMED)
        sized = framing == "sized"
        field = ("Content-Length", str(LARGE)) if sized else ("Transfer-Encoding", "chunked")
        client.send(head("/", method="PUT", host=host, fields=[field]))
        with Peak(stage) as peak:
            sender = threading.Thread(target=upload, args=(client, PIECE if sized else b"10000\r\n" + PIECE + b"\r\n"))
            sender.start()
            eventually(lambda: stalls(sent))
            assert sent[0] < LARGE // 4, "held by the sockets on the way"
            go_on.set()
            sender.join()
            if not sized:
                client.send(b"0\r\n\r\n")
            assert client.response().status == 200
    assert digest.digest() == EXPECTED.digest()
    assert peak.growth < FLAT


EXPECTED = hashlib.sha256()
for _ in range(LARGE // len(PIECE)):
    EXPECTED.update(PIECE)


def test_a_slow_side_of_a_tunnel_holds_the_other_up(stage: Stage) -> None:
    sent = [0]

    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
        for _ in range(LARGE // len(PIECE)):
            peer.send(PIECE)
            sent[0] += len(PIECE)

    with Script(play) as endpoint, stage.connect() as client:
        client.send(head("/", host=stage.serve(endpoint), fields=[("Upgrade", "x"), ("Connection", "Upgrade")]))
        assert client.head().status == 101
        with Peak(stage) as peak:
            eventually(lambda: stalls(sent))
            assert sent[0] < LARGE // 4
    assert peak.growth < FLAT


def test_many_slow_readers_cost_a_buffer_each(stage: Stage) -> None:
    with Backend() as backend:
        host = stage.serve(backend)
        clients = [stage.connect() for _ in range(50)]
        with Peak(stage) as peak:
            for client in clients:
                client.send(head("/stream/200/60000", host=host))
            eventually(lambda: backend.connections >= 50)
            for client in clients:
                assert len(client.response().body) == 12_000_000
                client.close()
    assert peak.growth < 50 * (200 << 10) + FLAT
