"""Clients notice nothing of failing endpoints as long as one works."""

from __future__ import annotations

import threading
from collections import Counter
from time import monotonic

from edge.data.upstream.target import FIRST_EJECTION
from edge.table.counters import WorkerWord
from edge.table.records import Balance
from tests.support.backends import Backend, Peer, Script, read_head
from tests.support.clients import Client, head
from tests.support.stage import Stage
from tests.support.waiting import eventually, free_port


def ask(stage: Stage, host: str, count: int) -> Counter[str]:
    """Who answers COUNT requests, or with what status Edge does."""
    with stage.connect() as client:
        answers = [client.request("/", host=host) for _ in range(count)]
    return Counter(
        response.json()["backend"] if response.status == 200 else str(response.status) for response in answers
    )


def retrials(begun: float) -> int:
    """How often an endpoint that was left out can have been tried again since BEGUN, on a machine that is busy."""
    return int((monotonic() - begun) / FIRST_EJECTION)


def test_an_endpoint_that_refuses_connections_is_left_out(stage: Stage) -> None:
    before = stage.count(WorkerWord.UPSTREAM_CONNECT_FAILURES), stage.count(WorkerWord.EJECTIONS)
    with Backend("good") as good:
        host = stage.serve(good, ("127.0.0.1", free_port()))
        begun = monotonic()
        assert ask(stage, host, 50) == {"good": 50}
    failures = stage.count(WorkerWord.UPSTREAM_CONNECT_FAILURES) - before[0]
    assert 1 <= failures <= 1 + retrials(begun)
    assert stage.count(WorkerWord.EJECTIONS) - before[1] == failures
    assert "is left out for a while" in stage.edge.log


def test_it_gets_requests_again_once_it_listens(stage: Stage) -> None:
    port = free_port()
    with Backend("good") as good:
        host = stage.serve(good, ("127.0.0.1", port))
        assert ask(stage, host, 10) == {"good": 10}
        with Backend("back", port=port):
            eventually(lambda: ask(stage, host, 20)["back"])
            assert ask(stage, host, 50).keys() <= {"good", "back"}


def test_an_endpoint_that_breaks_new_connections_is_left_out(stage: Stage) -> None:
    asked = []

    def play(peer: Peer) -> None:
        asked.append(read_head(peer))

    with Backend("good") as good, Script(play) as bad:
        host = stage.serve(good, bad)
        begun = monotonic()
        assert ask(stage, host, 60) == {"good": 60}
        assert 5 <= len(asked) <= 5 + retrials(begun)


def test_the_only_endpoint_is_asked_all_the_same_and_does_not_fill_the_log(stage: Stage) -> None:
    with Script(Peer.line) as bad, stage.connect() as client:
        host = stage.serve(bad)
        for _ in range(200):
            assert client.request("/", method="POST", host=host, body=b"").status == 502
        assert bad.connections >= 200
    told = [line for line in stage.edge.log.splitlines() if f"{bad.port} is left out" in line]
    assert 0 < len(told) < 8


def test_when_all_refuse_clients_are_told_and_the_first_that_is_back_is_used(stage: Stage) -> None:
    ports = [free_port() for _ in range(3)]
    host = stage.serve(*(("127.0.0.1", port) for port in ports))
    assert ask(stage, host, 20) == {"502": 20}
    with Backend("back", port=ports[1]):
        assert ask(stage, host, 20) == {"back": 20}


def test_no_endpoints_are_503_until_there_is_one(stage: Stage) -> None:
    host = stage.serve()
    assert ask(stage, host, 2) == {"503": 2}
    with Backend("there") as backend:
        stage.endpoints(host, backend)
        assert ask(stage, host, 2) == {"there": 2}
        stage.endpoints(host)
        assert ask(stage, host, 2) == {"503": 2}


def test_an_endpoint_that_is_taken_out_gets_no_more_and_its_idle_connections_end(stage: Stage) -> None:
    with Backend("one") as one, Backend("two") as two:
        host = stage.serve(one, two)
        assert ask(stage, host, 10) == {"one": 5, "two": 5}
        stage.endpoints(host, two)
        assert ask(stage, host, 10) == {"two": 10}
        eventually(lambda: one.open == 0)
        assert two.open == 1


def test_what_is_under_way_at_an_endpoint_that_is_taken_out_is_finished(stage: Stage) -> None:
    with Backend("one") as one, Backend("two") as two, stage.connect() as client:
        host = stage.serve(one)
        client.send(head("/hold", host=host))
        eventually(lambda: one.held == 1)
        stage.endpoints(host, two)
        assert ask(stage, host, 2) == {"two": 2}
        one.release.set()
        assert client.response().json()["backend"] == "one"
        eventually(lambda: one.open == 0)


def test_least_connections_spares_a_busy_endpoint(stage: Stage) -> None:
    with Backend("busy") as busy, Backend("free") as free:
        host = stage.serve(busy, balance=Balance.LEAST_CONNECTIONS)
        waiting = []
        for count in range(3):
            waiting.append(stage.connect())
            waiting[-1].send(head("/hold", host=host))
            eventually(lambda count=count: busy.held > count)
        stage.endpoints(host, busy, free, balance=Balance.LEAST_CONNECTIONS)
        assert ask(stage, host, 30) == {"free": 30}
        busy.release.set()
        for client in waiting:
            assert client.response().status == 200
            client.close()
        assert set(ask(stage, host, 60)) == {"busy", "free"}


def test_all_workers_together_share_requests_evenly() -> None:
    with Stage(workers=2) as stage, Backend("a") as a, Backend("b") as b, Backend("c") as c:
        host = stage.serve(a, b, c)
        # Two workers share connections only once both have come to accept.
        eventually(lambda: stage.get(host).status == 200 and len(stage.edge.workers()) == 2)
        total: Counter[str] = Counter()

        def client() -> None:
            with Client(stage.edge.http) as one:
                total.update(one.request("/", host=host).json()["backend"] for _ in range(30))

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(total.values()) == 240
        assert max(total.values()) - min(total.values()) <= 4
