"""TCP connections that are relayed: bytes, ends, breaks, choice of endpoints, PROXY protocol, what is counted."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.table.counters import WorkerWord
from edge.table.streams import ProxyHeader
from tests.support.plain import PATIENCE, Server, connect, echo, exactly, named, read_all
from tests.support.stage import Stage
from tests.support.waiting import eventually, free_port

LARGE = 48 << 20
"""Bytes: more than buffers of sockets hold."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage("--tls-handshake-timeout=2") as made:
        yield made


@pytest.fixture(scope="module")
def echoing() -> Iterator[Server]:
    with Server(echo) as server:
        yield server


def reset(sock: socket.socket) -> None:
    """Close SOCK with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def sessions(stage: Stage, port: int, protocol: str = "tcp") -> dict[int, int]:
    """Sessions of the listener at PORT by status."""
    from edge.table.counters import CountersReader  # noqa: PLC0415

    reader = CountersReader(stage.directory)
    try:
        sums = reader.series()
        return {
            key.status: sums.totals.requests(row)
            for key, row in sums.items()
            if key.method == protocol and key.labels.path == f"s:{protocol}:{port}"
        }
    finally:
        reader.close()


def test_bytes_go_both_ways(stage: Stage, echoing: Server) -> None:
    with connect(stage.relay(echoing.address)) as client:
        for text in (b"one", b"two"):
            client.sendall(text)
            assert exactly(client, 3) == text


def test_a_server_may_speak_first(stage: Stage) -> None:
    with Server(named("hello")) as server, connect(stage.relay(server.address)) as client:
        assert exactly(client, 5) == b"hello"


def test_each_direction_ends_for_itself(stage: Stage) -> None:
    """The client says all, and then gets an answer to it."""

    def digest(connection: socket.socket) -> None:
        connection.sendall(hashlib.sha256(read_all(connection)).digest())

    with Server(digest) as server, connect(stage.relay(server.address)) as client:
        client.sendall(b"all")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == hashlib.sha256(b"all").digest()


def test_the_server_may_end_first(stage: Stage) -> None:
    received: list[bytes] = []

    def half(connection: socket.socket) -> None:
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        received.append(read_all(connection))

    with Server(half) as server, connect(stage.relay(server.address)) as client:
        assert read_all(client) == b"bye"
        client.sendall(b"still here")
        client.close()
        eventually(lambda: received == [b"still here"])


def test_much_goes_both_ways_at_once(stage: Stage, echoing: Server) -> None:
    """More than the sockets hold, so that both directions stop and go on."""
    data = os.urandom(1 << 20) * (LARGE >> 20)
    with connect(stage.relay(echoing.address)) as client:
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        seen = hashlib.sha256()
        left = len(data)
        while left:
            part = client.recv(1 << 20)
            assert part
            seen.update(part)
            left -= len(part)
        sender.join()
    assert seen.digest() == hashlib.sha256(data).digest()


def test_an_endpoint_that_does_not_read_stops_the_client(stage: Stage) -> None:
    """What is on the way is bounded by the buffers of sockets; nothing of it is in the worker's memory."""
    go_on = threading.Event()
    totals: list[int] = []

    def late(connection: socket.socket) -> None:
        go_on.wait(PATIENCE)
        totals.append(len(read_all(connection)))

    with Server(late) as server, connect(stage.relay(server.address)) as client:
        before = stage.memory()
        client.setblocking(False)
        sent = 0
        block = bytes(1 << 20)
        while sent < 4 * LARGE:
            try:
                sent += client.send(block)
            except BlockingIOError:
                time.sleep(0.05)
                try:
                    sent += client.send(block)
                except BlockingIOError:
                    break
        assert sent < 4 * LARGE
        assert stage.memory() - before < 8 << 20
        client.setblocking(True)
        client.shutdown(socket.SHUT_WR)
        go_on.set()
        assert client.recv(1) == b""
        assert totals == [sent]


def test_silence_ends_a_connection(stage: Stage, echoing: Server) -> None:
    with connect(stage.relay(echoing.address, idle_timeout=0.5)) as client:
        client.sendall(b"x")
        assert exactly(client, 1) == b"x"
        assert client.recv(1) == b""


def test_a_reset_by_the_endpoint_reaches_the_client(stage: Stage) -> None:
    """A client does not take what it got for complete."""

    def break_off(connection: socket.socket) -> None:
        connection.sendall(b"half")
        exactly(connection, 1)
        reset(connection)

    with Server(break_off) as server, connect(stage.relay(server.address)) as client:
        assert exactly(client, 4) == b"half"
        client.sendall(b"!")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_reset_by_the_client_reaches_the_endpoint(stage: Stage) -> None:
    broken: list[type] = []

    def wait(connection: socket.socket) -> None:
        connection.sendall(b"x")
        try:
            connection.recv(1)
        except OSError as error:
            broken.append(type(error))

    with Server(wait) as server:
        client = connect(stage.relay(server.address))
        exactly(client, 1)
        reset(client)
        eventually(lambda: broken == [ConnectionResetError])


def test_another_endpoint_takes_what_one_refuses(stage: Stage, echoing: Server) -> None:
    port = stage.relay(("127.0.0.1", free_port()), echoing.address)
    before = stage.count(WorkerWord.EJECTIONS)
    for _ in range(4):
        with connect(port) as client:
            client.sendall(b"x")
            assert exactly(client, 1) == b"x"
    assert stage.count(WorkerWord.EJECTIONS) == before + 1, "it is left out from its first failure on"


@pytest.mark.parametrize(("backends", "status"), [((), 503), ((("127.0.0.1", 1),), 502)])
def test_without_an_endpoint_the_connection_is_closed(stage: Stage, backends: tuple[Any, ...], status: int) -> None:
    port = stage.relay(*backends)
    with connect(port) as client:
        assert client.recv(1) == b""
    eventually(lambda: sessions(stage, port) == {status: 1})


def test_only_so_many_endpoints_are_tried(stage: Stage, echoing: Server) -> None:
    dead = [("127.0.0.1", free_port()) for _ in range(2)]
    port = stage.relay(*dead, echoing.address, tries=1)
    answers = set()
    for _ in range(3):
        with connect(port) as client:
            client.sendall(b"x")
            try:
                answers.add(client.recv(1))
            except ConnectionResetError:
                answers.add(b"")
    assert b"" in answers


def test_endpoints_take_turns(stage: Stage) -> None:
    with Server(named("a")) as one, Server(named("b")) as other:
        port = stage.relay(one.address, other.address)
        names = []
        for _ in range(6):
            with connect(port) as client:
                names.append(exactly(client, 1))
    assert sorted(names) == [b"a"] * 3 + [b"b"] * 3


def test_by_the_address_of_the_client(stage: Stage) -> None:
    """All connections of one address go to one endpoint; addresses are spread."""
    with Server(named("a")) as one, Server(named("b")) as other, Server(named("c")) as third:
        port = stage.relay(one.address, other.address, third.address, by_client=True, address="0.0.0.0")
        found: dict[str, set[bytes]] = {}
        connect(port).close()
        for number in range(1, 17):
            source = f"127.0.1.{number}"
            for _ in range(2):
                with socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0)) as client:
                    found.setdefault(source, set()).add(exactly(client, 1))
    assert all(len(names) == 1 for names in found.values())
    assert len(set.union(*found.values())) > 1


def test_the_endpoints_change_and_the_connection_stays(stage: Stage) -> None:
    with Server(named("a")) as one, Server(named("b")) as other:
        port = stage.relay(one.address)
        with connect(port) as client:
            assert exactly(client, 1) == b"a"
            stage.relay(other.address, port=port)
            with connect(port) as later:
                assert exactly(later, 1) == b"b"
            client.sendall(b"x")
            assert exactly(client, 1) == b"x"


def test_a_listener_that_goes_leaves_its_connections(stage: Stage, echoing: Server) -> None:
    port = stage.relay(echoing.address)
    with connect(port) as client:
        client.sendall(b"x")
        exactly(client, 1)
        stage.close_listener(port)
        eventually(lambda: refused(port))
        client.sendall(b"x")
        assert exactly(client, 1) == b"x"


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


# --- PROXY protocol ---------------------------------------------------------------------------------------------------

FROM_BALANCER = {
    "version 1": b"PROXY TCP4 192.0.2.1 198.51.100.1 1111 2222\r\n",
    "version 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
    + socket.inet_aton("192.0.2.1")
    + socket.inet_aton("198.51.100.1")
    + struct.pack(">HH", 1111, 2222),
}


@pytest.mark.parametrize("sent", FROM_BALANCER.values(), ids=FROM_BALANCER)
@pytest.mark.parametrize(("version", "expected"), list(zip(ProxyHeader, (b"", *FROM_BALANCER.values()), strict=True)))
def test_a_header_comes_and_goes(
    stage: Stage, echoing: Server, sent: bytes, version: ProxyHeader, expected: bytes
) -> None:
    """Endpoints get the address of the client that the balancer in front names."""
    port = stage.relay(echoing.address, proxied=True, send_proxy=version)
    with connect(port) as client:
        client.sendall(sent + b"data")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == expected + b"data"


def test_the_header_of_a_client_without_a_balancer(stage: Stage, echoing: Server) -> None:
    port = stage.relay(echoing.address, send_proxy=ProxyHeader.V1)
    with connect(port) as client:
        address, own = client.getsockname()
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == f"PROXY TCP4 {address} 127.0.0.1 {own} {port}\r\n".encode()


def test_a_client_that_resets_while_an_endpoint_takes_the_connection_is_no_fault(stage: Stage) -> None:
    """The worker learns of the endpoint first, and then finds that the header has no client to name."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, connect(server.getsockname()[1]):
        server.settimeout(PATIENCE)
        address, number = server.getsockname()
        port = stage.relay((address, number), send_proxy=ProxyHeader.V1, connect_timeout=PATIENCE)
        client = connect(port)
        syn_sent = f" 0100007F:{number:04X} 02 "
        eventually(lambda: syn_sent in Path("/proc/net/tcp").read_text())
        [worker] = stage.edge.workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            server.accept()[0].close()  # now there is room for the worker's
            endpoint, _ = server.accept()
            reset(client)
        finally:
            os.kill(worker, signal.SIGCONT)
        endpoint.settimeout(PATIENCE)
        with endpoint, pytest.raises(ConnectionResetError):
            endpoint.recv(1)
    assert "Traceback" not in stage.edge.log


def test_a_connection_without_the_header_is_closed(stage: Stage, echoing: Server) -> None:
    before = echoing.connections
    with connect(stage.relay(echoing.address, proxied=True)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            assert client.recv(1)
    assert echoing.connections == before


# --- what is counted --------------------------------------------------------------------------------------------------


def test_a_session_is_counted_and_logged(stage: Stage, echoing: Server) -> None:
    port = stage.relay(echoing.address)
    with connect(port) as client:
        client.sendall(b"12345")
        exactly(client, 5)
        eventually(lambda: stage.count(WorkerWord.STREAMS_ACTIVE) >= 1)
    eventually(lambda: sessions(stage, port) == {200: 1})
    eventually(lambda: "] TCP 200 5 5 0." in stage.edge.output)


def test_bytes_of_clients_are_counted(stage: Stage, echoing: Server) -> None:
    before = stage.count(WorkerWord.BYTES_IN)
    with connect(stage.relay(echoing.address)) as client:
        client.sendall(bytes(1000))
        exactly(client, 1000)
        eventually(lambda: stage.count(WorkerWord.BYTES_IN) >= before + 1000)


def test_nothing_is_left_of_connections(stage: Stage, echoing: Server) -> None:
    """No descriptor, whatever way they end."""
    port = stage.relay(echoing.address)
    connect(port).close()
    eventually(lambda: sessions(stage, port) == {200: 1})
    before = stage.descriptors()
    clients = [connect(port) for _ in range(100)]
    for client in clients:
        client.sendall(b"x")
        exactly(client, 1)
    for number, client in enumerate(clients):
        if number % 2:
            client.close()
        else:
            reset(client)
    eventually(lambda: stage.count(WorkerWord.STREAMS_ACTIVE) == 0)
    eventually(lambda: stage.descriptors() <= before + 2)
