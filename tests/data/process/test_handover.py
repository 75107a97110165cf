"""Listeners that come and go: the arbiter's half and a worker's, without processes."""

from __future__ import annotations

import errno
import gc
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from edge.data.process.gateway_listeners import GatewayListeners
from edge.data.process.handover import Handover, Message
from edge.system.addresses import Address
from edge.table.bindings import Bindings
from edge.table.records import LISTENERS, Listeners, Listening, Wire
from edge.table.writer import TableWriter
from tests.support.waiting import free_port

TIMES = 1000


class Accepting:
    """What takes a socket, and closes it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def start(self) -> None:
        pass

    def stop(self) -> None:
        self.sock.close()


class Proxy:
    """An arbiter and its workers, in this process."""

    def __init__(self, directory: Path, workers: int = 2) -> None:
        self.writer = TableWriter(directory)
        self.handover = Handover(directory)
        self.handover.start((), "")
        self.ages = list(range(1, workers + 1))
        self.refused = 0
        """The port of which a worker cannot make a listener."""
        self.taken: dict[int, list[Message]] = {age: [] for age in self.ages}
        self.halves = {age: self._half(age) for age in self.ages}

    def _half(self, age: int) -> GatewayListeners:
        far = self.handover.connect(age)
        own = socket.socket(fileno=far.detach())
        self.handover.forked()

        def make(sock: socket.socket, message: Message) -> Accepting:
            if message.port == self.refused:
                raise OSError(errno.EMFILE, "too many open files")
            self.taken[age].append(message)
            return Accepting(sock)

        half = GatewayListeners(own, make)
        half.start()
        return half

    def listen(self, *listening: Listening, staying: list[int] | None = None) -> None:
        """From now on these and no others."""
        self.writer.publish(routes={LISTENERS: Listeners(listening)})
        self.follow(staying)

    def follow(self, staying: list[int] | None = None) -> None:
        ages = self.ages if staying is None else staying
        self.handover.follow(ages, ages)
        while self._is_behind(ages):
            gevent.sleep(0.0005)

    def _is_behind(self, ages: list[int]) -> bool:
        """Whether a worker of AGES has not taken all that it was told."""
        look = select.poll()  # select(2) knows no descriptor above 1023
        for age in ages:
            look.register(self.halves[age]._link, select.POLLIN)
        return bool(look.poll(0))

    def close(self) -> None:
        for half in self.halves.values():
            half.stop()
        self.handover.close()
        self.writer.close()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    made = Proxy(tmp_path)
    yield made
    made.close()


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def both(port: int) -> tuple[Listening, Listening]:
    return tuple(Listening("127.0.0.1", port, "s", wire=wire) for wire in (Wire.TCP, Wire.UDP))  # type: ignore[return-value]


def test_a_listener_that_cannot_be_made_keeps_no_later_one_away(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    proxy.refused, port = free_port(), free_port()
    proxy.listen(*both(proxy.refused))
    proxy.listen(*both(port))
    assert {message.port for taken in proxy.taken.values() for message in taken if message.scope} == {port}
    assert "too many open files" in caplog.text


def test_nothing_is_left_of_listeners_that_come_and_go(proxy: Proxy) -> None:
    """A thousand times, of both kinds."""
    port = free_port()
    proxy.listen(*both(port))
    proxy.listen()
    before = descriptors()
    for _ in range(TIMES):
        proxy.listen(*both(port))
        proxy.listen()
    assert descriptors() <= before
    assert all(len([one for one in taken if one.wire is Wire.TCP]) == TIMES + 1 for taken in proxy.taken.values())


def test_each_socket_of_datagrams_has_one_owner(proxy: Proxy) -> None:
    proxy.listen(both(free_port())[1])
    assert [[one.number for one in proxy.taken[age]] for age in proxy.ages] == [[0], [1]]


def test_the_sockets_of_a_worker_that_ends_go_to_another(proxy: Proxy) -> None:
    proxy.listen(both(free_port())[1])
    proxy.follow([2])
    assert sorted(one.number for one in proxy.taken[2]) == [0, 1]


def test_connections_that_wait_outlive_a_worker(proxy: Proxy) -> None:
    port = free_port()
    proxy.listen(both(port)[0])
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        proxy.halves[1].stop()
        proxy.follow([2])
        half = proxy.halves[2]
        (listener,) = half._open.values()
        assert isinstance(listener, Accepting)
        accepted, peer = listener.sock.accept()
        assert peer == client.getsockname()
        accepted.close()


def test_what_cannot_be_opened_is_told_and_tried_again(proxy: Proxy, tmp_path: Path) -> None:
    told = Bindings(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        proxy.listen(*both(port))
        assert told.changed()
        (one,) = told.unbound
        assert one.listening == both(port)[0]
        assert "in use by another process" in one.fault
        proxy.follow()
        assert not told.changed(), "it is told once"
    proxy.follow()
    assert told.changed()
    assert (told.unbound, told.bound) == ((), set(both(port)))
    assert [one.wire for one in proxy.taken[1]] == [Wire.UDP, Wire.TCP]


def test_an_address_of_edge_itself_is_refused(tmp_path: Path) -> None:
    made = Proxy(tmp_path)
    try:
        port = free_port()
        made.handover.start([Address("0.0.0.0", port)], "")
        made.listen(Listening("0.0.0.0", port, "s", wire=Wire.TCP))
        told = Bindings(tmp_path)
        assert told.changed()
        assert "--http" in told.unbound[0].fault
    finally:
        made.close()


def test_a_new_arbiter_has_the_sockets(proxy: Proxy, tmp_path: Path) -> None:
    """The same ones, of both kinds: what waits in them is not lost."""
    port = free_port()
    proxy.listen(*both(port))
    duplicates = []
    for entry in proxy.handover.inherit().split(","):
        place, _, number = entry.rpartition("=")
        duplicates.append(f"{place}={socket.dup(int(number))}")
    with socket.create_connection(("127.0.0.1", port), 10):
        successor = Handover(tmp_path)
        successor.start((), ",".join(duplicates))
        successor.follow([7], [7])
        handed = successor._handed(7)
        assert len(handed) == 3
        (listening,) = [sock for (place, _), (_, sock) in handed.items() if not place.datagrams]
        assert listening is not None
        listening.accept()[0].close()
        successor.close()
