"""A request is sent again only if that can do no harm, to another endpoint first, and within limits."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from edge.data.upstream.budget import CONSTANT, SECONDS
from edge.table.counters import WorkerWord
from edge.table.policies import Retry
from tests.support.backends import Backend, Listener, Peer, Script, answering, body_pieces, read_head
from tests.support.clients import BrokenError, Client, head
from tests.support.stage import STREAMED, Stage
from tests.support.waiting import eventually, free_port

UNSAFE = ["POST", "PATCH", "LOCK", "UNKNOWN"]


class Faulty(Listener):
    """Reads a request whole, then does something to the connection; counts the requests."""

    def __init__(self, act: Callable[[Peer], None], *, port: int = 0) -> None:
        self.requests: list[str] = []
        self._act = act
        super().__init__(port=port)

    def serve(self, peer: Peer) -> None:
        request = read_head(peer)
        for _ in body_pieces(peer, request):
            pass
        self.requests.append(request.method)
        self._act(peer)


def hang_up(_: Peer) -> None:
    """Close without an answer."""


def garble(peer: Peer) -> None:
    peer.send(b"SMTP ready\r\n\r\n")


def stop_short(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-")


def refusing() -> tuple[str, int]:
    """An address at which nobody listens."""
    return "127.0.0.1", free_port()


def answer(status: int, text: bytes = b"") -> Callable[[Peer], None]:
    return lambda peer: peer.send(b"HTTP/1.1 %d Status\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text)


# --- what is sent again ---


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_an_idempotent_request_is_sent_again_after_a_broken_connection(
    stage: Stage, backend: Backend, method: str
) -> None:
    with Faulty(hang_up) as faulty:
        host = stage.serve(faulty, backend)
        assert [stage.get(host, method=method).status for _ in range(2)] == [200, 200]
        assert faulty.requests == [method]


@pytest.mark.parametrize("method", UNSAFE)
def test_another_request_is_not_once_it_has_been_sent(stage: Stage, backend: Backend, method: str) -> None:
    with Faulty(hang_up) as faulty:
        host = stage.serve(faulty, backend)
        statuses = sorted(stage.get(host, method=method, body=b"pay 5").status for _ in range(2))
        assert statuses == [200, 502]
        assert faulty.requests == [method]


@pytest.mark.parametrize("method", ["GET", *UNSAFE])
def test_any_request_goes_elsewhere_when_nothing_has_been_sent(stage: Stage, backend: Backend, method: str) -> None:
    host = stage.serve(refusing(), backend)
    for body in (b"small", bytes(100_000)):
        assert [stage.get(host, "/upload", method=method, body=body).status for _ in range(2)] == [200, 200]


def test_a_route_may_have_all_methods_sent_again(stage: Stage, backend: Backend) -> None:
    with Faulty(hang_up) as faulty:
        host = stage.serve(faulty, backend, retry=Retry("test", non_idempotent=True))
        assert [stage.get(host, method="POST", body=b"x").status for _ in range(2)] == [200, 200]
        assert faulty.requests == ["POST"]


def test_a_small_body_is_sent_again_with_its_request(stage: Stage, backend: Backend) -> None:
    with Faulty(hang_up) as faulty:
        host = stage.serve(faulty, backend)
        bodies = [stage.get(host, method="PUT", body=b"small").json()["body"] for _ in range(2)]
        assert bodies == ["small", "small"]


def test_a_streamed_body_cannot_be_sent_again(stage: Stage, backend: Backend) -> None:
    with Faulty(hang_up) as faulty:
        host = stage.serve(faulty, backend, policies=STREAMED)
        statuses = sorted(stage.get(host, "/upload", method="PUT", body=bytes(100_000)).status for _ in range(2))
        assert statuses == [200, 502]


def test_an_answer_that_has_begun_is_never_begun_again(stage: Stage, backend: Backend) -> None:
    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    with Script(play) as endpoint:
        host = stage.serve(endpoint, backend)
        outcomes = []
        for _ in range(2):
            try:
                outcomes.append(stage.get(host).status)
            except BrokenError:
                outcomes.append(0)
        assert sorted(outcomes) == [0, 200]


# --- conditions (proxy-next-upstream) ---


@pytest.mark.parametrize(
    ("act", "retry", "expected"),
    [
        (hang_up, Retry("test"), 200),
        (stop_short, Retry("test"), 200),
        (garble, Retry("test"), 502),
        (garble, Retry("test", on_invalid=True), 200),
        (hang_up, Retry("test", on_error=False, on_invalid=True), 502),
        (hang_up, Retry("test", tries=1), 502),
        (answer(503), Retry("test"), 503),
        (answer(503), Retry("test", on_statuses=(502, 503)), 200),
        (answer(404), Retry("test", on_statuses=(502, 503)), 404),
    ],
)
def test_conditions_for_another_attempt(
    stage: Stage, backend: Backend, act: Callable[[Peer], None], retry: Retry, expected: int
) -> None:
    with Faulty(act) as faulty:
        host = stage.serve(faulty, backend, retry=retry)
        assert sorted(stage.get(host).status for _ in range(2)) == sorted([200, expected])


def test_after_a_timeout_another_endpoint_is_asked_unless_the_route_says_otherwise(
    stage: Stage, backend: Backend
) -> None:
    def silent(peer: Peer) -> None:
        while True:
            peer.some(4096)
            peer.buffer = b""

    with Script(silent) as endpoint:
        host = stage.serve(endpoint, backend, read=1)
        assert [stage.get(host).status for _ in range(2)] == [200, 200]
        host = stage.serve(endpoint, backend, read=1, retry=Retry("test", on_timeout=False))
        assert sorted(stage.get(host).status for _ in range(2)) == [200, 504]


def test_refused_connections_are_errors_too(stage: Stage, backend: Backend) -> None:
    host = stage.serve(refusing(), backend, retry=Retry("test", on_error=False))
    assert sorted(stage.get(host).status for _ in range(2)) == [200, 502]


def test_an_unwanted_status_is_passed_on_when_nobody_does_better(stage: Stage) -> None:
    with Faulty(answer(503, b"first")) as one, Faulty(answer(503, b"second")) as two:
        host = stage.serve(one, two, retry=Retry("test", on_statuses=(503,)))
        response = stage.get(host)
        assert (response.status, response.body in (b"first", b"second")) == (503, True)
        assert one.requests == two.requests == ["GET"]


def test_an_unwanted_status_does_not_have_a_post_sent_again(stage: Stage, backend: Backend) -> None:
    with Faulty(answer(503)) as faulty:
        host = stage.serve(faulty, backend, retry=Retry("test", on_statuses=(503,)))
        assert sorted(stage.get(host, method="POST", body=b"x").status for _ in range(2)) == [200, 503]


# --- bounds ---


def test_attempts_are_bounded_in_number(stage: Stage) -> None:
    endpoints = [Faulty(hang_up) for _ in range(5)]
    try:
        for tries in (1, 2, 3):
            host = stage.serve(*endpoints, retry=Retry("test", tries=tries))
            before = sum(len(endpoint.requests) for endpoint in endpoints)
            assert stage.get(host).status == 502
            assert sum(len(endpoint.requests) for endpoint in endpoints) == before + tries
    finally:
        for endpoint in endpoints:
            endpoint.close()


def test_no_endpoint_is_asked_twice_while_there_are_others(stage: Stage) -> None:
    with Faulty(hang_up) as one, Faulty(hang_up) as two, Faulty(hang_up) as three:
        host = stage.serve(one, two, three)
        assert stage.get(host).status == 502
        assert [len(endpoint.requests) for endpoint in (one, two, three)] == [1, 1, 1]


def test_the_only_endpoint_is_asked_again_after_it_broke_the_connection(stage: Stage) -> None:
    """It may have been about to end, as servers that end after some thousand requests are."""
    broken = []

    def first_time(peer: Peer) -> None:
        if not broken:
            broken.append(True)
        else:
            answer(200, b"well")(peer)

    with Faulty(first_time) as faulty:
        host = stage.serve(faulty)
        assert stage.get(host).body == b"well"


def test_attempts_are_bounded_in_time(stage: Stage) -> None:
    def slow(peer: Peer) -> None:
        time.sleep(0.3)
        hang_up(peer)

    with Faulty(slow) as one, Faulty(slow) as two:
        host = stage.serve(one, two, retry=Retry("test", timeout=0.1))
        assert stage.get(host).status == 502
        assert len(one.requests) + len(two.requests) == 1


def test_attempts_are_bounded_by_a_budget() -> None:
    """So that retries do not multiply the load of endpoints that are all in trouble."""
    with Stage() as stage, Faulty(hang_up) as one, Faulty(hang_up) as two:
        host = stage.serve(one, two, retry=Retry("test", tries=2))
        with stage.connect() as client:
            for _ in range(300):
                assert client.request("/", host=host).status == 502
        again = stage.count(WorkerWord.RETRIES)
        assert again == len(one.requests) + len(two.requests) - 300
        assert CONSTANT * SECONDS <= again < 300


def test_every_attempt_is_logged(stage: Stage, backend: Backend) -> None:
    before = stage.count(WorkerWord.RETRIES)
    with Faulty(hang_up) as faulty:
        host = stage.serve(faulty, backend)
        for _ in range(2):
            stage.get(host, "/bytes/7")
        lines = stage.log_lines(host, 2)
        twice = [line for line in lines if ", " in line]
        assert len(twice) == 1
        assert f"] [] 127.0.0.1:{faulty.port}, 127.0.0.1:{backend.port} 0, 7 0.0" in twice[0]
        assert " 502, 200 " in twice[0]
    assert stage.count(WorkerWord.RETRIES) == before + 1


# --- kept connections that have ended meanwhile ---


def keep_one(stage: Stage, host: str) -> None:
    """Have Edge keep a connection to the endpoint of HOST."""
    assert stage.get(host).status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_connection_that_the_endpoint_closed_is_never_noticed_by_a_client(stage: Stage, method: str) -> None:
    with Backend() as backend:
        host = stage.serve(backend)
        with stage.connect() as client:
            for size in (10, 100_000, 10):
                keep_one(stage, host)
                backend.close_connections()
                assert client.request("/upload", method=method, host=host, body=bytes(size)).status == 200


class Hasty(Listener):
    """Answers one request, and closes the connection as soon as it sees the next one come, without reading it."""

    def __init__(self) -> None:
        self.answered = 0
        super().__init__()

    def serve(self, peer: Peer) -> None:
        read_head(peer)
        answer(200, b"well")(peer)
        self.answered += 1
        peer.socket.recv(1, 2)  # MSG_PEEK: the next request has come


def test_an_idempotent_request_that_meets_the_end_of_a_connection_gets_a_new_one(stage: Stage) -> None:
    before = stage.count(WorkerWord.EJECTIONS)
    with Hasty() as endpoint:
        host = stage.serve(endpoint, retry=Retry("test", tries=1))
        with stage.connect() as client:
            for _ in range(5):
                assert client.request("/", host=host).body == b"well"
        eventually(lambda: endpoint.answered == endpoint.connections >= 5)
        assert stage.count(WorkerWord.EJECTIONS) == before


class Restarted:
    """A server that is killed and started again at the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.now = Backend(port=self.port)

    def again(self) -> None:
        self.now.close()
        self.now = Backend(port=self.port)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_endpoint_that_restarts_costs_no_request(stage: Stage, method: str) -> None:
    server = Restarted()
    try:
        host = stage.serve(("127.0.0.1", server.port))
        with stage.connect() as client:
            for _ in range(5):
                assert client.request("/", method=method, host=host, body=b"x").status == 200
                server.again()
                assert client.request("/", method=method, host=host, body=b"x").status == 200
    finally:
        server.now.close()


class Restless(Backend):
    """Closes its idle connections all the time."""

    def __init__(self) -> None:
        self.idle: set[socket.socket] = set()
        super().__init__()

    def serve(self, peer: Peer) -> None:
        while True:
            request = read_head(peer)
            self.idle.discard(peer.socket)
            if not self._answer(peer, request):
                return
            self.idle.add(peer.socket)  # not before: to end new ones again and again is no rest but a fault

    def close_one(self) -> None:
        for sock in list(self.idle)[:1]:
            self.idle.discard(sock)
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def test_connections_that_end_at_random_cost_no_request(stage: Stage) -> None:
    with Restless() as backend:
        host = stage.serve(backend)
        ending = threading.Event()
        failures: list[str] = []

        def close_them() -> None:
            while not ending.wait(0.003):
                backend.close_one()

        def ask() -> None:
            with Client(stage.edge.http) as client:
                for number in range(150):
                    response = client.request(f"/{number}", host=host)
                    if response.status != 200 or response.json()["target"] != f"/{number}":
                        failures.append(str(response))

        closer = threading.Thread(target=close_them)
        clients = [threading.Thread(target=ask) for _ in range(4)]
        for thread in (closer, *clients):
            thread.start()
        for thread in clients:
            thread.join()
        ending.set()
        closer.join()
        assert not failures
        assert backend.connections > 10


# --- what the log says ---


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n"), "malformed status line"),
        (read_head, "closed the connection without an answer"),
    ],
    ids=["no HTTP", "hung up"],
)
def test_why_there_is_no_answer_is_told_once_and_not_for_each_request(
    stage: Stage, play: Callable[[Peer], Any], reason: str
) -> None:
    with Script(play) as endpoint:
        host = stage.serve(endpoint, retry=Retry("test", tries=1))
        for _ in range(3):
            assert stage.get(host, "/a?secret").status == 502
        told = [line for line in stage.edge.log.splitlines() if f"no answer to GET {host}/a: " in line]
        assert len(told) == 1
        assert f"endpoint {endpoint.host}:{endpoint.port}: " in told[0]
        assert reason in told[0]


def test_an_answer_that_breaks_off_is_told(stage: Stage) -> None:
    with Script(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", close=True)) as endpoint:
        host = stage.serve(endpoint)
        with stage.connect() as client, pytest.raises(BrokenError):
            client.request("/", host=host)
        eventually(lambda: f"an answer broke off to GET {host}/: endpoint" in stage.edge.log)


def test_a_client_that_leaves_is_not_told_as_a_fault_of_the_endpoint(stage: Stage) -> None:
    with Backend() as backend:
        host = stage.serve(backend)
        client = stage.connect()
        client.send(head("/hold", host=host))
        eventually(lambda: backend.held)
        client.close()
        assert " 499 " in stage.log_lines(host, 1)[0]
        backend.release.set()
        assert f"GET {host}/" not in stage.edge.log
