"""Listeners of streams that come and go under load, ports below 1024, and USR2."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edge.table.records import Wire
from edge.table.streams import ANY
from tests.support.backends import Backend
from tests.support.plain import PATIENCE, DatagramServer, Server, asked, connect, datagram_client, echo, exactly
from tests.support.stage import Stage
from tests.support.waiting import eventually, free_port

ROUNDS, AT_ONCE = 20, 50


@contextmanager
def repeated(work: Callable[[], None]) -> Iterator[list[Exception]]:
    """Does WORK all the time until the end of the block; gives what went wrong."""
    stop = threading.Event()
    failures: list[Exception] = []

    def repeat() -> None:
        while not stop.is_set():
            try:
                work()
            except (OSError, AssertionError) as error:
                failures.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield failures
    finally:
        stop.set()
        thread.join()


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_thousand_listeners_come_and_go_under_load() -> None:
    """No connection elsewhere fails, and neither the arbiter nor a worker keeps a descriptor."""
    with Server(echo) as server, Backend("web") as backend, Stage(workers=2) as stage:
        steady, host = stage.relay(server.address), stage.serve(backend)
        with connect(steady) as client:
            client.sendall(b"x")
            exactly(client, 1)

        def ask() -> None:
            with socket.create_connection(("127.0.0.1", steady), PATIENCE) as one:
                one.sendall(b"hello")
                assert exactly(one, 5) == b"hello"
            assert stage.get(host).status == 200

        def come_and_go() -> None:
            ports = [stage.relay(server.address) for _ in range(AT_ONCE)]
            datagrams = [stage.relay(server.address, port=port, wire=Wire.UDP) for port in ports[:2]]
            for port in ports:
                with connect(port) as one:
                    one.sendall(b"x")
                    assert exactly(one, 1) == b"x"
            for port in ports:
                stage.close_listener(port)
            for port in datagrams:
                stage.close_listener(port, Wire.UDP)
            eventually(lambda: not any(listens(port) for port in ports))

        come_and_go()
        pids = [stage.edge.masters()[0], *stage.edge.workers()]
        before = {pid: descriptors(pid) for pid in pids}
        with repeated(ask) as failures:
            for _ in range(ROUNDS):
                come_and_go()
        assert not failures
        assert [stage.edge.masters()[0], *stage.edge.workers()] == pids
        for pid in pids:
            eventually(lambda pid=pid: descriptors(pid) <= before[pid] + 4)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), PATIENCE):
        return True
    return False


def test_sessions_of_datagrams_when_a_new_arbiter_comes_and_the_old_one_goes() -> None:
    """The old workers keep their sessions until the workers end; then clients start new sessions."""
    with Stage(workers=2) as stage, DatagramServer(lambda data: [data.upper()]) as endpoint:
        port = stage.relay(endpoint.address, wire=Wire.UDP, responses=ANY)
        clients = [datagram_client(port) for _ in range(10)]
        for client in clients:
            assert asked(client, b"a") == b"A"
        before = set(endpoint.peers)
        old = stage.edge.masters()[0]
        stage.edge.signal_to(old, signal.SIGUSR2)
        eventually(lambda: len(stage.edge.masters()) == 2)
        for client in clients:
            assert asked(client, b"b") == b"B"
        stage.edge.signal_to(old, signal.SIGTERM)
        eventually(lambda: old not in stage.edge.masters())
        for client in clients:
            assert asked(client, b"c") == b"C"
            client.close()
        assert len(before) >= len(clients)


# --- ports below 1024 -------------------------------------------------------------------------------------------------

as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("unshare"), reason="needs root"
)
WITHOUT = ("setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service")
ONLY = ("setpriv", "--bounding-set=-all,+net_bind_service", "--inh-caps=-all")
SYSCTL = (
    "unshare",
    "--net",
    "sh",
    "-c",
    'ip link set lo up; echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start; exec "$@"',
    "-",
)
LOW = 853


@as_root
def test_a_low_port_with_no_capability_but_net_bind_service() -> None:
    with Server(echo) as server, Stage(prefix=ONLY) as stage:
        stage.relay(server.address, port=LOW, address="127.0.5.1")
        with connect(LOW, "127.0.5.1") as client:
            client.sendall(b"x")
            assert exactly(client, 1) == b"x"


@as_root
def test_a_low_port_without_the_capability_is_reported() -> None:
    with Server(echo) as server, Stage(prefix=WITHOUT) as stage:
        stage.relay(server.address, port=LOW, address="127.0.5.2")
        eventually(lambda: f"127.0.5.2:{LOW}" in stage.edge.log)
        assert not listens_at("127.0.5.2")
        assert "CAP_NET_BIND_SERVICE" in stage.edge.log, "and the way out"


def listens_at(address: str) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((address, LOW)) == 0


@as_root
def test_a_low_port_without_the_capability_but_with_the_sysctl() -> None:
    """In a network of its own, whose processes may take any port."""
    with Stage(prefix=(*SYSCTL, *WITHOUT), ready=False) as stage:  # it is not reached from here
        stage.relay(("127.0.0.1", free_port()), port=LOW)
        eventually(lambda: f"listening on tcp://127.0.0.1:{LOW}" in stage.edge.log)
