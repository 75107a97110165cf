"""WebSocket and any other protocol that a connection is upgraded to: bytes both ways, until both sides have ended."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
import websocket

from edge.table.counters import WorkerWord
from tests.support.backends import Backend, GoneError, Peer, Script, pattern, read_head
from tests.support.clients import Client, Fields, head, swap
from tests.support.stage import Stage
from tests.support.waiting import eventually

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: %b\r\nConnection: Upgrade\r\n\r\n"


def asking(protocol: str = "chat") -> Fields:
    return [("Upgrade", protocol), ("Connection", "keep-alive, Upgrade")]


def switching(talk: Callable[[Peer], None], *, early: bytes = b"", protocol: bytes = b"chat") -> Callable[[Peer], None]:
    """Agree to the upgrade, with EARLY right behind, and TALK."""

    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(SWITCH % protocol + early)
        talk(peer)

    return play


def echo(peer: Peer) -> None:
    """Send everything back; at the end of input end output."""
    with suppress(GoneError):
        while True:
            peer.send(peer.some(65536))


def test_websockets_of_a_real_client_work(stage: Stage) -> None:
    with Backend() as backend:
        host = stage.serve(backend)
        one = websocket.create_connection(f"ws://127.0.0.1:{stage.edge.http}/websocket", host=host, timeout=40)
        for message in ("hello", "x" * 100_000, ""):
            one.send(message)
            assert one.recv() == message
        eventually(lambda: stage.count(WorkerWord.CONNECTIONS_UPGRADED) == 1)
        # Each connection has one state. Two beats, so that a gauge of before the upgrade is not taken for one after it.
        for _ in range(2):
            beat = stage.count(WorkerWord.HEARTBEAT)
            eventually(lambda beat=beat: stage.count(WorkerWord.HEARTBEAT) > beat)
        assert stage.count(WorkerWord.CONNECTIONS_WRITING) == 0
        one.close()
        eventually(lambda: backend.open == 0)
        eventually(lambda: stage.count(WorkerWord.CONNECTIONS_UPGRADED) == 0)
        assert " 101 " in stage.log_lines(host, 1)[0]
        assert stage.counted(host) == {("GET", 101): 1}


@pytest.mark.parametrize("protocol", ["chat", "irc/2.4, chat", "tcp"])
def test_any_protocol_may_be_agreed_upon(stage: Stage, connect: Callable[[], Client], protocol: str) -> None:
    agreed = protocol.rpartition(" ")[2]
    with Script(switching(echo, protocol=agreed.encode())) as endpoint, connect() as client:
        host = stage.serve(endpoint)
        client.send(head("/", host=host, fields=asking(protocol)))
        response = client.head()
        assert (response.status, response.get("upgrade"), response.get("connection")) == (101, agreed, "upgrade")
        client.send(b"\x00\xff binary")
        assert client.read(9) == b"\x00\xff binary"


@pytest.mark.parametrize(
    "framing",
    [
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\nContent-Length: x\r\nTransfer-Encoding: gzip\r\n",
    ],
)
def test_an_agreement_has_no_body_whatever_it_says(stage: Stage, connect: Callable[[], Client], framing: bytes) -> None:
    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send((SWITCH % b"chat").replace(b"\r\n\r\n", b"\r\n" + framing + b"\r\n") + b"5\r\nhello")
        echo(peer)

    with Script(play) as endpoint, connect() as client:
        client.send(head("/", host=stage.serve(endpoint), fields=asking()))
        response = client.head()
        assert (response.status, response.get("upgrade")) == (101, "chat")
        assert response.get("transfer-encoding") is response.get("content-length") is None
        assert client.read(8) == b"5\r\nhello"
        client.send(b"thanks")
        assert client.read(6) == b"thanks"


def test_the_endpoint_sees_the_request_to_upgrade(stage: Stage) -> None:
    seen = []

    def play(peer: Peer) -> None:
        seen.append(read_head(peer))
        peer.send(SWITCH % b"chat")

    with Script(play) as endpoint, stage.connect() as client:
        client.send(head("/", host=stage.serve(endpoint), fields=asking("chat")))
        assert client.head().status == 101
        assert (seen[0].get("upgrade"), seen[0].get("connection")) == ("chat", "upgrade")


def test_what_the_client_sends_with_its_request_arrives(stage: Stage, connect: Callable[[], Client]) -> None:
    with Script(switching(echo)) as endpoint, connect() as client:
        client.send(head("/", host=stage.serve(endpoint), fields=asking()) + b"early")
        assert client.head().status == 101
        assert client.read(5) == b"early"


def test_what_the_endpoint_sends_with_its_agreement_arrives(stage: Stage, connect: Callable[[], Client]) -> None:
    with Script(switching(echo, early=b"welcome")) as endpoint, connect() as client:
        client.send(head("/", host=stage.serve(endpoint), fields=asking()))
        assert client.head().status == 101
        assert client.read(7) == b"welcome"
        client.send(b"thanks")
        assert client.read(6) == b"thanks"


def test_much_passes_both_ways_at_once(stage: Stage, connect: Callable[[], Client]) -> None:
    data = pattern(3_000_000)
    with Script(switching(echo)) as endpoint, connect() as client:
        client.send(head("/", host=stage.serve(endpoint), fields=asking()))
        assert client.head().status == 101
        assert swap(client.socket, data) == data


def test_a_client_may_end_its_half(stage: Stage) -> None:
    """And still gets all that comes."""

    def talk(peer: Peer) -> None:
        with suppress(GoneError):
            while True:
                peer.some(100)
        peer.send(pattern(500_000))

    with Script(switching(talk)) as endpoint, stage.connect() as client:
        client.send(head("/", host=stage.serve(endpoint), fields=asking()))
        assert client.head().status == 101
        client.send(b"bye")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_to_end() == pattern(500_000)
        eventually(lambda: endpoint.open == 0)


def test_an_endpoint_may_end_its_half(stage: Stage, connect: Callable[[], Client]) -> None:
    got = []

    def talk(peer: Peer) -> None:
        peer.send(b"bye")
        peer.socket.shutdown(socket.SHUT_WR)
        got.append(peer.read(500_000))

    with Script(switching(talk)) as endpoint, connect() as client:
        client.send(head("/", host=stage.serve(endpoint), fields=asking()))
        assert client.head().status == 101
        assert client.read_to_end() == b"bye"
        client.send(pattern(500_000))
        eventually(lambda: got == [pattern(500_000)])
        client.close()
        eventually(lambda: endpoint.open == 0)


@pytest.mark.parametrize("status", [200, 401, 426])
def test_an_endpoint_may_refuse(stage: Stage, status: int) -> None:
    """It answers as it does any request, and the connection goes on."""

    def play(peer: Peer) -> None:
        while True:
            read_head(peer)
            peer.send(
                b"HTTP/1.1 %d Status\r\nUpgrade: other\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno" % status
            )

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(3):
            client.send(head("/", host=host, fields=asking()))
            response = client.response()
            assert (response.status, response.body) == (status, b"no")
        assert endpoint.connections == 1


def test_an_upgrade_finds_another_endpoint_when_one_is_gone(stage: Stage) -> None:
    with Script(lambda _: None) as broken, Script(switching(echo)) as endpoint:
        host = stage.serve(broken, endpoint)
        for _ in range(2):
            with stage.connect() as client:
                client.send(head("/", host=host, fields=asking()))
                assert client.head().status == 101


def test_a_side_that_breaks_ends_the_other(stage: Stage, connect: Callable[[], Client]) -> None:
    gone = threading.Event()

    def talk(peer: Peer) -> None:
        try:
            while True:
                peer.send(peer.some(100))
        except (GoneError, OSError):
            gone.set()

    with Script(switching(talk)) as endpoint:
        host = stage.serve(endpoint)
        client = connect()
        client.send(head("/", host=host, fields=asking()) + b"x")
        assert client.head().status == 101
        assert client.read(1) == b"x"
        client.close()
        assert gone.wait(40)
        with connect() as client:
            client.send(head("/", host=host, fields=asking()) + b"x")
            assert client.head().status == 101
            assert client.read(1) == b"x"
            endpoint.close_connections()
            assert client.read_to_end() == b""


# --- the end of a worker ---


def test_tunnels_have_a_grace_of_their_own() -> None:
    """Requests get what --shutdown-grace says, tunnels longer or shorter."""
    with (
        Stage("--shutdown-grace=0.5", "--websocket-shutdown-grace=4") as stage,
        Script(switching(echo)) as endpoint,
        Backend() as backend,
        stage.connect() as tunnel,
        stage.connect() as request,
    ):
        tunnel.send(head("/", host=stage.serve(endpoint), fields=asking()))
        assert tunnel.head().status == 101
        request.send(head("/hold", host=stage.serve(backend)))
        eventually(lambda: backend.held)
        stage.edge.signal(signal.SIGTERM)
        assert request.is_closed()
        assert stage.edge.poll() is None
        tunnel.send(b"still there?")
        assert tunnel.read(12) == b"still there?"
        assert tunnel.is_closed()
        assert stage.edge.wait() == 0
        assert "1 upgraded connections are ended after 4 s of grace" in stage.edge.log


def test_a_worker_without_tunnels_does_not_wait_for_their_grace() -> None:
    with (
        Stage("--shutdown-grace=60", "--websocket-shutdown-grace=60") as stage,
        Script(switching(echo)) as endpoint,
        Client(stage.edge.http) as client,
    ):
        client.send(head("/", host=stage.serve(endpoint), fields=asking()))
        assert client.head().status == 101
        stage.edge.signal(signal.SIGTERM)
        client.close()
        assert stage.edge.wait(40) == 0
