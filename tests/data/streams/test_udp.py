"""Datagrams that are relayed: sessions, how they end, who has them, what is counted."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Iterator

import pytest

from edge.table.counters import WorkerWord
from edge.table.records import Wire
from edge.table.streams import ANY
from tests.data.streams.test_tcp import sessions
from tests.support.plain import PATIENCE, DatagramServer, asked, datagram_client
from tests.support.stage import Stage
from tests.support.waiting import eventually, free_port


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


def upper(data: bytes) -> list[bytes]:
    return [data.upper()]


@pytest.fixture(scope="module")
def server() -> Iterator[DatagramServer]:
    with DatagramServer(upper) as made:
        yield made


def relay(stage: Stage, *servers: DatagramServer, **fields: object) -> int:
    return stage.relay(*(one.address for one in servers), wire=Wire.UDP, **fields)  # type: ignore[arg-type]


def test_a_datagram_gets_its_answer(stage: Stage, server: DatagramServer) -> None:
    with datagram_client(relay(stage, server)) as client:
        for text in (b"one", b"two"):
            assert asked(client, text) == text.upper()


@pytest.mark.parametrize("size", [0, 1, 1472, 9000, 65507])
def test_datagrams_of_any_size(stage: Stage, server: DatagramServer, size: int) -> None:
    """They keep their borders."""
    with datagram_client(relay(stage, server)) as client:
        assert asked(client, b"x" * size) == b"X" * size


def test_many_datagrams_of_many_clients(stage: Stage, server: DatagramServer) -> None:
    port = relay(stage, server)
    clients = [datagram_client(port) for _ in range(50)]
    asked(clients[0], b"first")
    for number in range(4):
        for index, client in enumerate(clients):
            assert asked(client, f"{index} {number}".encode()) == f"{index} {number}".encode()
    for client in clients:
        client.close()


UDP_SEGMENT, UDP_GRO = 103, 104
"""Options of sockets (udp(7)), and types of control messages."""


@pytest.mark.parametrize(("size", "count"), [(1200, 20), (1, 64), (9000, 7)])
def test_datagrams_in_one_message_stay_datagrams(stage: Stage, size: int, count: int) -> None:
    """A client may give the kernel many at once. Endpoints get each of them, and clients each answer."""
    with DatagramServer(lambda data: [data]) as server, datagram_client(relay(stage, server, responses=ANY)) as client:
        asked(client, b"first")
        sent = b"".join(bytes([number]) * size for number in range(count)) + b"!"
        if size == 1:
            sent = sent[:-1]  # the last one may be smaller, and is not empty
        client.settimeout(PATIENCE)
        client.sendmsg([sent], [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("H", size))])
        got = [client.recv(65536) for _ in range(-(-len(sent) // size))]
    assert b"".join(got) == sent
    assert {len(one) for one in got[:-1]} == {size}


def test_answers_in_one_message_stay_datagrams(stage: Stage) -> None:
    def many(data: bytes) -> list[bytes]:
        return [data + bytes([number]) * 500 for number in range(40 if data == b"?" else 1)]

    with DatagramServer(many) as server, datagram_client(relay(stage, server, responses=ANY)) as client:
        asked(client, b"first")
        client.settimeout(PATIENCE)
        client.send(b"?")
        assert [client.recv(65536) for _ in range(40)] == many(b"?")


def test_a_session_keeps_its_endpoint_and_its_port(stage: Stage) -> None:
    """An endpoint sees one peer for as long as the session lasts."""
    with DatagramServer(lambda data: [b"a" + data]) as one, DatagramServer(lambda data: [b"b" + data]) as other:
        with datagram_client(relay(stage, one, other, responses=ANY)) as client:
            answers = {asked(client, b"x") for _ in range(8)}
        assert len(answers) == 1
        assert len(one.peers) + len(other.peers) == 1


def test_an_answered_session_ends(stage: Stage, server: DatagramServer) -> None:
    """With one answer to each datagram expected, and none left to come."""
    port = relay(stage, server)
    before = stage.count(WorkerWord.SESSIONS_ACTIVE)
    with datagram_client(port) as client:
        asked(client, b"x")
        eventually(lambda: sessions(stage, port, "udp").get(200, 0) >= 1)
    eventually(lambda: stage.count(WorkerWord.SESSIONS_ACTIVE) == before)


def test_several_answers_may_be_expected(stage: Stage) -> None:
    with DatagramServer(lambda data: [data, data, data]) as server:
        port = relay(stage, server, responses=3)
        with datagram_client(port) as client:
            assert [asked(client, b"x"), client.recv(9), client.recv(9)] == [b"x"] * 3
            eventually(lambda: sessions(stage, port, "udp").get(200, 0) >= 1)


def test_no_answer_may_be_expected(stage: Stage) -> None:
    """As of a log collector: each datagram is a session that is over when it has left."""
    seen: list[bytes] = []
    before = stage.count(WorkerWord.SESSIONS_ACTIVE)

    def note(data: bytes) -> list[bytes]:
        seen.append(data)
        return []

    with DatagramServer(note) as server:
        port = relay(stage, server, responses=0)
        with datagram_client(port) as client:

            def noted() -> bool:
                client.send(b"line")
                return b"line" in seen

            eventually(noted)
        eventually(lambda: sum(sessions(stage, port, "udp").values()) >= 1)
    eventually(lambda: stage.count(WorkerWord.SESSIONS_ACTIVE) <= before)


def test_silence_ends_a_session(stage: Stage, server: DatagramServer) -> None:
    port = relay(stage, server, responses=ANY, idle_timeout=0.5)
    with datagram_client(port) as client:
        asked(client, b"x")
        eventually(lambda: sessions(stage, port, "udp").get(200, 0) == 1)
        assert asked(client, b"y") == b"Y", "the next datagram begins another one"


def test_an_icmp_error_ends_a_session_and_another_endpoint_is_taken(stage: Stage, server: DatagramServer) -> None:
    """Nobody listens at the first: its kernel says so."""
    nobody = ("127.0.0.1", free_port())
    port = stage.relay(nobody, server.address, wire=Wire.UDP, responses=ANY)
    for _ in range(3):
        with datagram_client(port) as client:
            assert asked(client, b"x") == b"X"
    assert sessions(stage, port, "udp").get(502, 0) >= 1


def test_another_endpoint_where_a_session_has_lost_its_own(stage: Stage) -> None:
    with DatagramServer(lambda _: [b"a"]) as one, DatagramServer(lambda _: [b"b"]) as other:
        port = relay(stage, one, responses=ANY)
        with datagram_client(port) as client:
            assert asked(client, b"x") == b"a"
            relay(stage, one, other, responses=ANY, port=port)
            assert asked(client, b"x") == b"a", "its endpoint is still there"
            relay(stage, other, responses=ANY, port=port)
            eventually(lambda: asked(client, b"x") == b"b")


def test_the_answer_comes_from_the_address_that_was_asked(stage: Stage, server: DatagramServer) -> None:
    """Also where the socket is bound to all of them: a connected client takes nothing from another one."""
    port = relay(stage, server, address="0.0.0.0")
    for address in ("127.0.0.1", "127.0.0.77"):
        with datagram_client(port, address) as client:
            assert asked(client, b"x") == b"X"


def test_without_an_endpoint_datagrams_are_dropped_and_counted(stage: Stage) -> None:
    port = relay(stage)
    with datagram_client(port) as client:

        def dropped() -> bool:
            client.send(b"x")
            return stage.count(WorkerWord.DATAGRAMS_DROPPED) > before

        before = stage.count(WorkerWord.DATAGRAMS_DROPPED)
        eventually(dropped)


def test_datagrams_and_bytes_are_counted(stage: Stage, server: DatagramServer) -> None:
    words = (WorkerWord.DATAGRAMS_IN, WorkerWord.DATAGRAMS_OUT, WorkerWord.BYTES_IN, WorkerWord.BYTES_OUT)
    before = [stage.count(word) for word in words]
    with datagram_client(relay(stage, server)) as client:
        asked(client, bytes(1000))
    least = (1, 1, 1000, 1000)
    eventually(
        lambda: all(stage.count(word) >= was + more for word, was, more in zip(words, before, least, strict=True))
    )
    assert "] UDP 200 1000 1000 0." in eventually(
        lambda: stage.edge.output if " UDP 200 1000" in stage.edge.output else ""
    )


def test_nothing_is_left_of_sessions(stage: Stage, server: DatagramServer) -> None:
    port = relay(stage, server)
    with datagram_client(port) as client:
        asked(client, b"x")
    before = stage.count(WorkerWord.SESSIONS_ACTIVE), stage.descriptors()
    for _ in range(100):
        with datagram_client(port) as client:
            asked(client, b"x")
    eventually(lambda: stage.count(WorkerWord.SESSIONS_ACTIVE) <= before[0])
    eventually(lambda: stage.descriptors() <= before[1] + 1)


def test_the_death_of_a_worker_is_its_own_sessions_only() -> None:
    """Each socket of the group has one owner; a dead owner's goes to another worker with what waits in it."""
    with Stage(workers=3) as stage, DatagramServer(upper) as endpoint:
        port = relay(stage, endpoint, responses=ANY)
        clients = [datagram_client(port) for _ in range(30)]
        for client in clients:
            asked(client, b"x")
        before = set(endpoint.peers)
        assert len(before) >= 30
        victim = stage.edge.workers()[0]
        stage.edge.signal_to(victim, signal.SIGKILL)
        for client in clients:
            assert asked(client, b"y") == b"Y"
        fresh = len(endpoint.peers - before)
        assert fresh < 25, "the sessions of the other workers are the same as before"
        eventually(lambda: len(stage.edge.workers()) == 3)
        for client in clients:
            assert asked(client, b"z") == b"Z"
            client.close()


def test_new_workers_and_a_new_arbiter_have_the_sockets() -> None:
    with Stage(workers=2) as stage, DatagramServer(upper) as endpoint:
        port = relay(stage, endpoint)
        with datagram_client(port) as client:
            asked(client, b"x")
        old = stage.edge.workers()
        stage.edge.signal(signal.SIGHUP)
        eventually(lambda: not set(old) & set(stage.edge.workers()))
        with datagram_client(port) as client:
            assert asked(client, b"x") == b"X"
        first = stage.edge.masters()[0]
        stage.edge.signal_to(first, signal.SIGUSR2)
        eventually(lambda: len(stage.edge.masters()) == 2)
        for _ in range(5):
            with datagram_client(port) as client:
                assert asked(client, b"x") == b"X"


def test_a_listener_that_goes_frees_its_port(stage: Stage, server: DatagramServer) -> None:
    port = relay(stage, server)
    with datagram_client(port) as client:
        asked(client, b"x")
    stage.close_listener(port, Wire.UDP)

    def free() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    eventually(free)
