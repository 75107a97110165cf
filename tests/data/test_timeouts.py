"""Every phase of an exchange has a time limit; the slow side gets an error, or sees a message that is cut off."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from edge.table.counters import WorkerWord
from edge.table.policies import Retry
from tests.support.backends import Backend, Peer, Script, body_pieces, pattern, read_head
from tests.support.clients import BrokenError, Client, head
from tests.support.stage import STREAMED, Stage
from tests.support.waiting import eventually

ONCE = Retry("test", tries=1)
QUICK = 0.8
"""Seconds of a timeout that is to pass."""
PATIENT = 2.0
"""Seconds of a timeout that is not to pass: an exchange takes longer in all, but never is still for so long."""
PAUSE = 0.3
PAUSES = 8


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    limits = ("client-header", "client-body", "tls-handshake", "websocket")
    with Stage(f"--keep-alive={QUICK}", *(f"--{name}-timeout={QUICK}" for name in limits)) as stage:
        yield stage


@pytest.fixture(scope="module")
def patient() -> Iterator[Stage]:
    limits = ("client-header", "client-body", "websocket")
    with Stage(*(f"--{name}-timeout={PATIENT}" for name in limits)) as stage:
        yield stage


def silent(peer: Peer) -> None:
    """Take everything, say nothing."""
    while True:
        peer.some(65536)
        peer.buffer = b""


class Full:
    """A listening socket whose queue is full: connections to it stay half made, as to a host that is gone."""

    def __init__(self) -> None:
        self._sock = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.address: tuple[str, int] = self._sock.getsockname()
        self._fillers = [socket.socket() for _ in range(4)]
        for filler in self._fillers:
            filler.setblocking(False)
            filler.connect_ex(self.address)

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (*self._fillers, self._sock):
            sock.close()


# --- the client ---


def test_a_client_that_says_nothing_is_left_without_a_word(stage: Stage) -> None:
    with stage.connect() as client:
        assert client.read_to_end() == b""


def test_a_head_that_trickles_in_is_cut_however_busily_it_does(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    before = stage.count(WorkerWord.BAD_REQUESTS)
    with stage.connect() as client:
        text = head("/", host=host, fields=[("X-Slow", "x" * 1000)])
        ended = threading.Event()

        def trickle() -> None:
            for at in range(len(text)):
                try:
                    client.socket.send(text[at : at + 1])
                except OSError:
                    break
                if ended.wait(0.02):
                    break

        thread = threading.Thread(target=trickle)
        thread.start()
        response = client.response()
        ended.set()
        thread.join()
    assert response.status == 408
    assert response.get("connection") == "close"
    assert stage.count(WorkerWord.BAD_REQUESTS) == before + 1
    assert not any(request.get("host") == host for request in backend.requests)


def test_a_head_may_take_its_time_within_the_limit(patient: Stage, backend: Backend) -> None:
    """Each head: together they take longer."""
    host = patient.serve(backend)
    text = head("/", host=host)
    with patient.connect() as client:
        for _ in range(PAUSES):
            client.send(text[:10])
            time.sleep(PAUSE)
            client.send(text[10:])
            assert client.response().status == 200


def test_a_handshake_has_to_come_in_time(stage: Stage) -> None:
    for begin in (b"", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"):
        with Client(stage.edge.https) as client:
            client.send(begin)
            assert client.is_closed()


def test_the_second_head_on_a_connection_is_cut_as_well(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    with stage.connect() as client:
        assert client.request("/", host=host).status == 200
        client.send(b"GET / HTTP/1.1\r\nHost: ")
        assert client.response().status == 408
        assert client.is_closed()


def test_an_idle_connection_is_closed_without_a_word(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    with stage.connect() as client:
        assert client.request("/", host=host).status == 200
        assert client.read_to_end() == b""


@pytest.mark.parametrize("length", [100, 100_000], ids=["small", "large"])
def test_a_body_that_does_not_come_is_answered_408(stage: Stage, backend: Backend, length: int) -> None:
    host = stage.serve(backend)
    with stage.connect() as client:
        client.send(head("/", method="PUT", host=host, fields=[("Content-Length", str(length))]) + b"begun")
        response = client.response()
        assert response.status == 408
        assert client.is_closed()
    eventually(lambda: stage.counted(host) == {("PUT", 408): 1})


def test_a_chunked_body_that_does_not_end_is_answered_408_and_ends_the_request_to_the_endpoint(stage: Stage) -> None:
    ends = []

    def play(peer: Peer) -> None:
        request = read_head(peer)
        try:
            for _ in body_pieces(peer, request):
                pass
            ends.append("complete")
        finally:
            ends.append("over")

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, policies=STREAMED)
        client.send(head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")]) + b"5\r\nhello\r\n")
        assert client.response().status == 408
        eventually(lambda: ends)
    assert ends == ["over"]


def test_a_body_may_take_its_time_as_long_as_it_moves(patient: Stage, backend: Backend) -> None:
    """Neither the client's limit nor the endpoint's read timeout holds for the whole of an upload."""
    host = patient.serve(backend, read=PATIENT)
    with patient.connect() as client:
        client.send(head("/upload", method="PUT", host=host, fields=[("Content-Length", str(PAUSES * 20000))]))
        for _ in range(PAUSES):
            client.send(b"x" * 20000)
            time.sleep(PAUSE)  # the pace of the client is the point
        assert client.response().json()["length"] == PAUSES * 20000


def test_a_client_that_does_not_read_is_cut_off(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    with stage.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(head("/bytes/8000000", host=host))
        line = stage.log_lines(host, 1)[0]
        assert " 200 " in line
        with pytest.raises(BrokenError):
            client.response()


# --- the endpoint ---


def test_an_endpoint_that_cannot_be_connected_to_is_answered_504(stage: Stage) -> None:
    before = stage.count(WorkerWord.UPSTREAM_CONNECT_FAILURES)
    with Full() as full:
        host = stage.serve(full.address, connect=QUICK)
        assert stage.get(host).status == 504
    assert stage.count(WorkerWord.UPSTREAM_CONNECT_FAILURES) == before + 1
    assert f" {full.address[0]}:{full.address[1]} 0 " in stage.log_lines(host, 1)[0]


def test_another_endpoint_helps_when_one_cannot_be_connected_to(stage: Stage, backend: Backend) -> None:
    with Full() as full:
        host = stage.serve(full.address, backend, connect=QUICK)
        assert [stage.get(host).status for _ in range(3)] == [200, 200, 200]


def test_silence_before_the_answer_is_504(stage: Stage) -> None:
    with Script(silent) as endpoint:
        host = stage.serve(endpoint, read=QUICK, retry=ONCE)
        assert stage.get(host).status == 504
        eventually(lambda: endpoint.open == 0)


def test_silence_before_the_answer_is_504_with_a_body_too(stage: Stage) -> None:
    """The time counts from the end of the upload."""
    with Script(silent) as endpoint:
        host = stage.serve(endpoint, read=QUICK)
        for length in (10, 200_000):
            assert stage.get(host, method="POST", body=bytes(length)).status == 504
        eventually(lambda: endpoint.open == 0)


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"], ids=["sized", "chunked"])
def test_silence_within_the_answer_breaks_it_off(stage: Stage, framing: str) -> None:
    def play(peer: Peer) -> None:
        read_head(peer)
        begin = b"5\r\nhello\r\n" if "chunked" in framing else b"hello"
        peer.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + begin)
        silent(peer)

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, read=QUICK)
        client.send(head("/", host=host))
        assert client.head().status == 200
        rest = client.read_to_end()
        assert b"hello" in rest
        assert not rest.endswith(b"0\r\n\r\n")
        eventually(lambda: endpoint.open == 0)
    eventually(lambda: stage.counted(host) == {("GET", 200): 1})


def test_an_answer_may_take_its_time_as_long_as_it_moves(stage: Stage) -> None:
    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {PAUSES}\r\n\r\n".encode())
        for _ in range(PAUSES):
            time.sleep(PAUSE)
            peer.send(b"x")

    with Script(play) as endpoint:
        host = stage.serve(endpoint, read=PATIENT)
        assert stage.get(host).body == b"x" * PAUSES


def test_an_endpoint_that_takes_no_more_of_a_body_is_answered_504(stage: Stage) -> None:
    ending = threading.Event()

    def play(peer: Peer) -> None:
        read_head(peer)
        ending.wait(40)

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, send=QUICK, policies=STREAMED)
        client.send(head("/", method="PUT", host=host, fields=[("Content-Length", str(1 << 30))]))
        thread = threading.Thread(target=pour, args=(client.socket, ending))
        thread.start()
        try:
            assert client.response().status == 504
        finally:
            ending.set()
            thread.join()


def pour(sock: socket.socket, ending: threading.Event) -> None:
    """Send until told to stop, or until nobody takes it."""
    data = pattern(65536)
    try:
        while not ending.is_set():
            sock.send(data)
    except OSError:
        pass


def test_an_endpoint_that_answers_and_takes_no_more_is_left_to_finish(stage: Stage) -> None:
    """What it says about the request is worth more than that it has stopped reading it."""
    ending = threading.Event()

    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nto")
        ending.wait(QUICK * 3)
        peer.send(b"o!")
        ending.wait(40)

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, send=QUICK, policies=STREAMED)
        client.send(head("/", method="PUT", host=host, fields=[("Content-Length", str(1 << 30))]))
        thread = threading.Thread(target=pour, args=(client.socket, ending))
        thread.start()
        try:
            response = client.response()
            assert (response.status, response.body) == (413, b"too!")
        finally:
            ending.set()
            thread.join()


# --- upgraded connections ---

UPGRADE = [("Upgrade", "chat"), ("Connection", "Upgrade")]


def chat(peer: Peer) -> None:
    """Switch to a protocol in which every byte is sent back."""
    read_head(peer)
    peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n")
    while True:
        peer.send(peer.some(65536))


def test_an_upgraded_connection_on_which_nobody_speaks_ends(patient: Stage) -> None:
    with Script(chat) as endpoint, patient.connect() as client:
        host = patient.serve(endpoint)
        client.send(head("/", host=host, fields=UPGRADE))
        assert client.head().status == 101
        for _ in range(PAUSES):
            time.sleep(PAUSE)  # longer in all than the silence that ends it
            client.send(b"x")
            assert client.read(1) == b"x"
        assert client.is_closed()
        eventually(lambda: endpoint.open == 0)


def test_one_side_that_speaks_keeps_an_upgraded_connection(patient: Stage) -> None:
    def news(peer: Peer) -> None:
        read_head(peer)
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n")
        for _ in range(PAUSES):
            time.sleep(PAUSE)
            peer.send(b"x")

    with Script(news) as endpoint, patient.connect() as client:
        host = patient.serve(endpoint)
        client.send(head("/", host=host, fields=UPGRADE))
        assert client.head().status == 101
        assert client.read(PAUSES) == b"x" * PAUSES


def test_the_read_timeout_of_a_route_holds_for_its_upgraded_connections(stage: Stage) -> None:
    """As it does in ingress-nginx, whose users raise it for WebSockets."""
    with Script(chat) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, read=4.0)
        client.send(head("/", host=host, fields=UPGRADE))
        assert client.head().status == 101
        time.sleep(1.5 * QUICK)  # more than --websocket-timeout
        client.send(b"x")
        assert client.read(1) == b"x"
        assert client.is_closed()
