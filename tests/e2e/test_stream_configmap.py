"""Keys of the ConfigMap about streams, which are in force without a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.configured import config_map
from tests.support.edge import Edge, write
from tests.support.plain import DatagramServer, Server, asked, connect, datagram_client, exactly, named
from tests.support.services import served, services
from tests.support.waiting import eventually, free_port

TCP, BROKEN, UDP = free_port(), free_port(), free_port()
FLAGS = ("--configmap=demo/edge", "--tcp-services-configmap=demo/tcp", "--udp-services-configmap=demo/udp")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("manifests")
    with Server(named("a")) as server, DatagramServer(lambda data: [data, data]) as datagrams:
        write(
            made, "services.yaml", *served("one", 80, server.port), *served("dns", 80, datagrams.port, protocol="UDP")
        )
        write(made, "broken.yaml", *served("broken", 80, free_port(), free_port(), server.port))
        write(
            made,
            "maps.yaml",
            services("tcp", {TCP: "demo/one:80", BROKEN: "demo/broken:80"}),
            services("udp", {UDP: "demo/dns:80"}),
        )
        yield made


@pytest.fixture(scope="module")
def edge(folder: Path) -> Iterator[Edge]:
    with Edge(folder, *FLAGS) as made:
        eventually(lambda: first_byte(TCP) == b"a")
        yield made


def configure(folder: Path, **keys: str) -> None:
    write(folder, "edge.yaml", config_map({name.replace("_", "-"): value for name, value in keys.items()}, "demo/edge"))


def first_byte(port: int) -> bytes:
    """Empty: the connection is closed."""
    with connect(port) as client:
        try:
            return client.recv(1)
        except ConnectionResetError:
            return b""


@pytest.mark.usefixtures("edge")
def test_proxy_stream_timeout(folder: Path) -> None:
    configure(folder, proxy_stream_timeout="1s")

    def ended() -> bool:
        with connect(TCP) as client:
            assert exactly(client, 1) == b"a"
            client.settimeout(4)
            try:
                return client.recv(1) == b""
            except TimeoutError:
                return False

    eventually(ended)
    configure(folder, proxy_stream_timeout="600s")
    eventually(lambda: not ended())


def answers(count: int) -> set[bytes]:
    return {first_byte(BROKEN) for _ in range(count)}


@pytest.mark.usefixtures("edge")
def test_proxy_stream_next_upstream(folder: Path) -> None:
    """Two of three endpoints refuse connections: the next ones are tried, unless the key says no."""
    configure(folder, proxy_stream_next_upstream="false")
    eventually(lambda: b"" in answers(6))
    configure(folder, proxy_stream_next_upstream="true")
    eventually(lambda: answers(12) == {b"a"})


@pytest.mark.usefixtures("edge")
def test_proxy_stream_next_upstream_tries(folder: Path) -> None:
    configure(folder, proxy_stream_next_upstream_tries="1")
    eventually(lambda: b"" in answers(6), timeout=90)
    configure(folder, proxy_stream_next_upstream_tries="3")
    eventually(lambda: answers(12) == {b"a"})


@pytest.mark.usefixtures("edge")
def test_proxy_stream_next_upstream_timeout(folder: Path) -> None:
    """The time is over with the first failure."""
    configure(folder, proxy_stream_next_upstream_timeout="1ms")
    eventually(lambda: first_byte(BROKEN) in (b"a", b""))
    configure(folder)
    eventually(lambda: answers(12) == {b"a"})


@pytest.mark.usefixtures("edge")
def test_proxy_stream_responses(folder: Path) -> None:
    """An endpoint answers twice. The session ends with as many answers as the key says."""

    def both() -> bool:
        with datagram_client(UDP) as client:
            assert asked(client, b"x") == b"x"
            client.settimeout(1)
            try:
                return client.recv(9) == b"x"
            except TimeoutError:
                return False

    configure(folder, proxy_stream_responses="2")
    eventually(both)


def test_log_format_stream(folder: Path, edge: Edge) -> None:
    configure(
        folder,
        log_format_stream="seen $protocol $status $bytes_sent of $proxy_upstream_name by $namespace/$ingress_name",
    )

    def logged() -> bool:
        assert first_byte(TCP) == b"a"
        return "seen TCP 200 1 of demo-one-80 by demo/tcp" in edge.output

    eventually(logged)
