"""A client or endpoint that leaves in the middle ends the exchange for the other side too, soon and visibly."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.support.backends import Backend, GoneError, Listener, Peer, Script, body_pieces, pattern, read_head
from tests.support.clients import BrokenError, Client, head
from tests.support.stage import STREAMED, Stage
from tests.support.waiting import eventually

OK = b"HTTP/1.1 200 OK\r\n"


def close(client: Client) -> None:
    """As a program does that has had enough: over TLS with an alert first."""
    if isinstance(client.socket, ssl.SSLSocket):
        client.socket.settimeout(0)
        with suppress(OSError, ValueError):
            client.socket.unwrap()
    client.close()


def reset(client: Client) -> None:
    """As a machine that is switched off appears, some day."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Watching(Listener):
    """Reads a request, sends BEGIN, and then waits for the end of the connection: `ended` tells when it has come."""

    def __init__(self, begin: bytes = b"", *, read_body: bool = True) -> None:
        self.asked = 0
        self.ended = threading.Event()
        self._begin = begin
        self._read_body = read_body
        super().__init__()

    def serve(self, peer: Peer) -> None:
        request = read_head(peer)
        self.asked += 1
        try:
            for _ in body_pieces(peer, request) if self._read_body else ():
                pass
            peer.send(self._begin)
            while True:
                peer.some(65536)
                peer.buffer = b""
        except (GoneError, OSError):
            self.ended.set()


# --- the client ---


@pytest.mark.parametrize("leave", [close, reset])
def test_a_client_that_leaves_before_the_answer_ends_the_request(
    stage: Stage, connect: Callable[[], Client], leave: Callable[[Client], None]
) -> None:
    with Watching() as endpoint:
        host = stage.serve(endpoint)
        client = connect()
        client.send(head("/", host=host))
        eventually(lambda: endpoint.asked)
        leave(client)
        assert endpoint.ended.wait(40)
        assert " 499 0 " in stage.log_lines(host, 1)[0]
        eventually(lambda: stage.counted(host) == {("GET", 499): 1})


@pytest.mark.parametrize("leave", [close, reset])
def test_a_client_that_leaves_within_a_quiet_answer_ends_it(
    stage: Stage, connect: Callable[[], Client], leave: Callable[[Client], None]
) -> None:
    with Watching(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n") as endpoint:
        host = stage.serve(endpoint)
        client = connect()
        client.send(head("/", host=host))
        assert client.head().status == 200
        leave(client)
        assert endpoint.ended.wait(40)


def test_a_client_that_leaves_within_a_busy_answer_ends_it(stage: Stage, connect: Callable[[], Client]) -> None:
    ended = threading.Event()

    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        try:
            while True:
                peer.send(bytes(65536))
        except OSError:
            ended.set()

    with Script(play) as endpoint:
        host = stage.serve(endpoint)
        client = connect()
        client.send(head("/", host=host))
        assert client.head().status == 200
        client.read(100_000)
        client.close()
        assert ended.wait(40)
        assert " 200 " in stage.log_lines(host, 1)[0]


@pytest.mark.parametrize("framing", ["Content-Length: 1000000", "Transfer-Encoding: chunked"], ids=["sized", "chunked"])
def test_a_client_that_leaves_within_its_upload_ends_it(
    stage: Stage, connect: Callable[[], Client], framing: str
) -> None:
    complete = []

    def play(peer: Peer) -> None:
        try:
            for _ in body_pieces(peer, read_head(peer)):
                pass
            complete.append(True)
        except (GoneError, OSError):
            complete.append(False)

    with Script(play) as endpoint:
        host = stage.serve(endpoint, policies=STREAMED)
        client = connect()
        name, _, value = framing.partition(": ")
        client.send(head("/", method="POST", host=host, fields=[(name, value)]) + b"1000\r\n" + bytes(4096) + b"\r\n")
        eventually(lambda: endpoint.connections)
        close(client)
        eventually(lambda: complete)
        assert complete == [False]


def test_a_client_that_leaves_after_its_upload_ends_the_request(stage: Stage, connect: Callable[[], Client]) -> None:
    with Watching() as endpoint:
        host = stage.serve(endpoint)
        client = connect()
        client.send(head("/", method="POST", host=host, body=bytes(200_000)) + bytes(200_000))
        eventually(lambda: endpoint.asked)
        close(client)
        assert endpoint.ended.wait(40)


def test_a_client_that_has_sent_its_next_request_and_leaves_ends_the_first(
    stage: Stage, connect: Callable[[], Client]
) -> None:
    """Although what it sent last still stands unread."""
    with Watching() as endpoint:
        host = stage.serve(endpoint)
        client = connect()
        client.send(head("/", host=host))
        eventually(lambda: endpoint.asked)
        client.send(head("/next", host=host))
        close(client)
        assert endpoint.ended.wait(40)
        assert endpoint.asked == 1


def test_a_client_may_close_its_half_and_wait_for_an_answer_that_comes_soon(stage: Stage) -> None:
    with Backend() as backend, stage.connect() as client:
        host = stage.serve(backend)
        client.send(head("/bytes/300000", host=host))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.response().body == pattern(300_000)


def test_a_client_that_leaves_while_the_endpoint_is_connected_to_is_not_served_for_long(stage: Stage) -> None:
    with Watching() as endpoint:
        host = stage.serve(endpoint)
        for _ in range(20):
            client = stage.connect()
            client.send(head("/", host=host))
            client.close()
        eventually(lambda: endpoint.open == 0)


# --- the endpoint ---


def leaving(begin: bytes, *, by_reset: bool = False) -> Callable[[Peer], None]:
    """Read a request, send BEGIN, leave."""

    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(begin)
        if by_reset:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return play


SHORT = {
    "sized": OK + b"Content-Length: 10\r\n\r\nhello",
    "chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "within a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\nhello",
    "within trailers": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n",
}


@pytest.mark.parametrize("begin", SHORT.values(), ids=SHORT.keys())
def test_an_answer_that_breaks_off_is_seen_to_be_broken_off(
    stage: Stage, connect: Callable[[], Client], begin: bytes
) -> None:
    with Script(leaving(begin)) as endpoint, connect() as client:
        host = stage.serve(endpoint)
        client.send(head("/", host=host))
        assert client.head().status == 200
        rest = client.read_to_end()
        assert b"hello" in rest, "what had come before is passed on"
        assert not rest.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("begin", [*SHORT.values(), OK + b"\r\nhello"], ids=[*SHORT.keys(), "until close"])
def test_an_answer_that_breaks_off_is_a_reset_for_an_old_client(stage: Stage, begin: bytes) -> None:
    """In HTTP/1.0 the end of the connection is the end of the answer."""
    with Script(leaving(begin, by_reset=True)) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        client.send(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: client.socket.recv(4096), b""))


def test_an_answer_until_the_end_that_is_reset_is_seen_to_be_broken(stage: Stage) -> None:
    with Script(leaving(OK + b"\r\nhello", by_reset=True)) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        client.send(head("/", host=host))
        with pytest.raises(BrokenError):
            client.response()


def test_the_connection_of_a_broken_answer_is_not_used_again(stage: Stage) -> None:
    with Script(leaving(SHORT["sized"])) as endpoint, Backend() as backend, stage.connect() as client:
        host = stage.serve(endpoint)
        client.send(head("/", host=host) + head("/", host=stage.serve(backend)))
        assert client.head().status == 200
        assert client.read_to_end() == b"hello"


def test_an_endpoint_that_leaves_within_an_upload_is_502_and_takes_nothing_more(stage: Stage) -> None:
    def play(peer: Peer) -> None:
        read_head(peer)
        peer.some(100)

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, policies=STREAMED)
        client.send(head("/", method="POST", host=host, fields=[("Content-Length", "10000000")]))
        sender = threading.Thread(target=pour, args=(client.socket,))
        sender.start()
        response = client.response()
        assert response.status == 502
        assert response.get("connection") == "close"
        client.close()
        sender.join()


def pour(sock: socket.socket) -> None:
    """Send ten megabytes, as far as they are taken."""
    with suppress(OSError):
        sock.sendall(bytes(10_000_000))
