"""Connections at a real data plane: their number, what happens when descriptors run out, and how they end."""

from __future__ import annotations

import resource
import signal
import ssl
from contextlib import ExitStack

import pytest

from edge.table.counters import WorkerWord
from edge.table.policies import BodyLimit
from tests.support.backends import Backend
from tests.support.certificates import self_signed
from tests.support.clients import Client, head
from tests.support.edge import Edge
from tests.support.stage import STREAMED, Stage
from tests.support.waiting import eventually

FEW = ("sh", "-c", 'ulimit -n 128; exec "$@"', "sh")
"""Runs a command that may have 128 descriptors in each of its processes."""


def alone(stage: Stage) -> bool:
    """Whether the connection by which it was seen to be ready has come and gone."""
    return stage.count(WorkerWord.CONNECTIONS_ACCEPTED) > 0 and stage.count(WorkerWord.CONNECTIONS_ACTIVE) == 0


def crowd(backend: Backend, clients: list[Client], host: str) -> int:
    """How many connections are opened to BACKEND for as many requests at a time as there are CLIENTS."""
    opened, held = backend.connections, backend.held
    backend.release.clear()
    for client in clients:
        client.send(head("/hold", host=host))
    eventually(lambda: backend.held == held + len(clients))
    backend.release.set()
    assert {client.response().status for client in clients} == {200}
    return backend.connections - opened


def test_idle_connections_to_endpoints_above_the_limit_are_kept_for_the_next_crowd_and_not_for_long() -> None:
    with Backend() as backend, Stage("--upstream-keepalive-connections=2") as stage, ExitStack() as stack:
        host = stage.serve(backend)
        clients = [stack.enter_context(stage.connect()) for _ in range(8)]
        assert crowd(backend, clients, host) == 8
        eventually(lambda: crowd(backend, clients, host) == 0)  # at once, unless this process is late
        eventually(lambda: backend.open == 2)
        assert crowd(backend, clients, host) == 6


def test_a_connection_above_the_limit_is_told_so_and_the_others_go_on() -> None:
    with Backend() as backend, Stage("--max-worker-connections=2") as stage:
        host = stage.serve(backend)
        eventually(lambda: alone(stage))
        with stage.connect() as first, stage.connect() as second:
            assert first.request(host=host).status == second.request(host=host).status == 200
            with stage.connect() as third:
                refused = third.response()
                assert (refused.status, refused.get("connection")) == (503, "close")
                assert refused.body == b"too many connections\n"
                assert third.is_closed()
            assert first.request(host=host).status == 200
        eventually(lambda: stage.get(host).status == 200)
        assert stage.count(WorkerWord.CONNECTIONS_REFUSED) >= 1


def test_many_connections_at_once_are_served_up_to_the_limit() -> None:
    with Backend() as backend, Stage("--max-worker-connections=10") as stage, ExitStack() as stack:
        host = stage.serve(backend)
        eventually(lambda: alone(stage))
        (worker,) = stage.edge.workers()
        stage.edge.signal_to(worker, signal.SIGSTOP)
        clients = [stack.enter_context(stage.connect()) for _ in range(12)]
        stage.edge.signal_to(worker, signal.SIGCONT)
        assert [client.request(host=host).status for client in clients] == [200] * 10 + [503] * 2


def test_each_of_a_crowd_above_the_limit_is_told() -> None:
    with Stage("--max-worker-connections=1") as stage, ExitStack() as stack:
        eventually(lambda: alone(stage))
        clients = [stack.enter_context(stage.connect()) for _ in range(150)]
        for client in clients:
            client.send(head("/", method="POST", body=b"x"))
        assert [client.response().status for client in clients] == [404] + [503] * 149
        assert stage.count(WorkerWord.CONNECTIONS_REFUSED) == 149


def test_few_descriptors_are_shared_out_so_that_clients_are_told_and_endpoints_reached() -> None:
    with Edge(command="proxy", prefix=FEW) as edge, ExitStack() as stack:
        clients = [stack.enter_context(edge.connect()) for _ in range(70)]
        assert clients[-1].response().body == b"too many connections\n"
        assert all(client.request().body == b"503 Service Temporarily Unavailable\n" for client in clients[:60])


def test_a_worker_without_descriptors_serves_whom_it_has_and_accepts_again_when_there_are_some() -> None:
    with Backend() as backend, Stage() as stage, ExitStack() as stack:
        host = stage.serve(backend)
        old = stack.enter_context(stage.connect())
        assert old.request(host=host).status == 200
        (worker,) = eventually(stage.edge.workers)
        limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (stage.descriptors() + 2, limits[1]))
        waiting = [stack.enter_context(stage.connect()) for _ in range(8)]
        eventually(lambda: "cannot accept: Too many open files" in stage.edge.log)
        date = old.request(host=host).get("date")
        assert eventually(lambda: old.request(host=host).get("date") != date)  # its clock goes on
        resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
        assert [client.request(host=host).status for client in waiting] == [200] * 8
        assert stage.get(host).status == 200


def test_a_certificate_that_could_not_be_read_for_want_of_descriptors_is_shown_later() -> None:
    with Backend() as backend, Stage() as stage, ExitStack() as stack:
        host = stage.serve(backend)
        pair = self_signed(host)
        stage.certificate(pair, host)
        context = ssl.create_default_context(cadata=pair.certificate.decode())
        (worker,) = eventually(stage.edge.workers)
        limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        eventually(lambda: alone(stage))
        held = stack.enter_context(Client(stage.edge.https))
        eventually(lambda: stage.count(WorkerWord.CONNECTIONS_ACTIVE) == 1)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (stage.descriptors(), limits[1]))
        with pytest.raises(ssl.SSLError, match="ALERT_INTERNAL_ERROR"):
            context.wrap_socket(held.socket, server_hostname=host)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
        with stage.connect(tls=context, server_name=host) as client:
            assert client.request(host=host).status == 200


@pytest.mark.parametrize("status", [413, 503, 400])
def test_who_sends_a_whole_upload_before_reading_gets_the_answer_that_refuses_it(status: int) -> None:
    size = 32 << 20
    with Backend() as backend, Stage() as stage:
        host = (
            stage.serve(backend, policies=(BodyLimit("test", 1000),))
            if status == 413
            else stage.serve(policies=STREAMED)
        )
        length = str(size) if status != 400 else "x"
        with stage.connect() as client:
            client.send(head("/", method="POST", host=host, fields=[("Content-Length", length)]))
            client.send(bytes(size))
            response = client.response()
            assert (response.status, response.get("connection")) == (status, "close")
