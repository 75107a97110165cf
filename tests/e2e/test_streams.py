"""Real servers behind streams: Redis over TCP, dnsmasq over UDP, nginx behind TLS that is passed on."""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.table.counters import WorkerWord
from tests.support import objects
from tests.support.backends import Backend
from tests.support.certificates import self_signed, trusting_all
from tests.support.clients import get
from tests.support.edge import Edge, write
from tests.support.plain import Server, connect, echo, exactly
from tests.support.services import needs, running, served, services
from tests.support.site import ingress
from tests.support.stage import Stage
from tests.support.waiting import eventually, free_port


def command(sock: socket.socket, *words: bytes) -> bytes:
    """The answer of Redis, of one line, to a command (RESP)."""
    sock.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
    line = b""
    while not line.endswith(b"\r\n"):
        line += exactly(sock, 1)
    return line.strip()


@needs("redis-server")
def test_redis_while_its_endpoint_changes(tmp_path: Path) -> None:
    """Clients under way keep their server; new ones have the new one; nobody is refused."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    ports, port = [free_port(), free_port()], free_port()
    with ExitStack() as stack:
        for one in ports:
            stack.enter_context(running("redis-server", "--port", str(one), "--save", "", cwd=tmp_path))
        for one in ports:
            with connect(one) as direct:
                assert command(direct, b"SET", b"name", str(one).encode()) == b"+OK"
        write(manifests, "redis.yaml", *served("redis", 6379, ports[0]))
        write(manifests, "tcp.yaml", services("tcp", {port: "demo/redis:6379"}))
        stack.enter_context(Edge(manifests, "--tcp-services-configmap=demo/tcp", workers=2))
        with connect(port) as client:
            assert command(client, b"STRLEN", b"name") == b":%d" % len(str(ports[0]))
            stop = threading.Event()
            failures: list[Exception] = []

            def ask() -> None:
                while not stop.is_set():
                    try:
                        with socket.create_connection(("127.0.0.1", port), 10) as one:
                            assert command(one, b"PING") == b"+PONG"
                    except (OSError, AssertionError) as error:
                        failures.append(error)

            asking = threading.Thread(target=ask)
            asking.start()
            for number in range(10):
                write(manifests, "redis.yaml", *served("redis", 6379, ports[(number + 1) % 2]))
                with connect(port) as other:
                    assert command(other, b"PING") == b"+PONG"
            write(manifests, "redis.yaml", *served("redis", 6379, ports[1]))
            eventually(lambda: redis_name(port) == ports[1])
            stop.set()
            asking.join()
            assert not failures
            assert command(client, b"PING") == b"+PONG", "it is still with the first server"


def redis_name(port: int) -> int:
    with connect(port) as client:
        command(client, b"GET", b"name")
        line = b""
        while not line.endswith(b"\r\n"):
            line += exactly(client, 1)
        return int(line)


@needs("dnsmasq", "dig")
def test_dns_over_udp_and_tcp(tmp_path: Path) -> None:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    dns, port = free_port(), free_port()
    dnsmasq = (
        "--keep-in-foreground",
        "--no-resolv",
        "--no-hosts",
        "--conf-file=/dev/null",
        "--pid-file=",
        "--user=root",
    )
    address = ("--listen-address=127.0.0.1", "--bind-interfaces", f"--port={dns}", "--address=/edge.test/192.0.2.53")
    with running("dnsmasq", *dnsmasq, *address, cwd=tmp_path):
        write(manifests, "dns.yaml", *served("dns", 53, dns, protocol="UDP"), *served("dns-tcp", 53, dns))
        write(manifests, "udp.yaml", services("udp", {port: "demo/dns:53"}))
        write(manifests, "tcp.yaml", services("tcp", {port: "demo/dns-tcp:53"}))
        flags = ("--tcp-services-configmap=demo/tcp", "--udp-services-configmap=demo/udp")
        with Edge(manifests, *flags, workers=2) as edge:
            for further in ((), ("+tcp",)):
                eventually(lambda further=further: dug(port, *further) == "192.0.2.53")
            assert [dug(port) for _ in range(20)] == ["192.0.2.53"] * 20
            assert b'protocol="udp"' in edge.admin_get("/metrics").body


def dug(port: int, *further: str) -> str:
    asked = ["dig", "@127.0.0.1", "-p", str(port), "+short", "+time=2", "+tries=3", *further, "www.edge.test"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


NGINX = """
daemon off; worker_processes 1; pid {0}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
  uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
  server {{
    listen 127.0.0.1:{1} ssl http2;
    ssl_certificate {2}; ssl_certificate_key {3};
    return 200 "$server_protocol of nginx";
  }}
}}
"""


@needs("nginx", "curl")
def test_nginx_behind_tls_that_is_passed_on(tmp_path: Path) -> None:
    """HTTP/2 with the server's own certificate, at the port of hosts whose TLS ends at Edge."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    port = free_port()
    pair = self_signed("passed.example").write(tmp_path)
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(tmp_path, port, *pair))
    passed = ingress("passed", "passed.example Prefix / nginx", annotate={"ssl-passthrough": "true"})
    with (
        Backend("web") as backend,
        running(shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(config), cwd=tmp_path),
    ):
        write(manifests, "nginx.yaml", *served("nginx", 443, port), *served("web", 80, backend.port))
        passed["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = {"number": 443}
        write(manifests, "hosts.yaml", objects.ingress_class(), passed, ingress("web", "web.example Prefix / web"))
        with Edge(manifests, "--enable-ssl-passthrough") as edge:

            def asked() -> str:
                name = f"passed.example:{edge.https}"
                flags = ["--silent", "--cacert", str(pair[0]), "--http2", "--resolve", f"{name}:127.0.0.1"]
                asking = ["curl", *flags, f"https://{name}/"]
                return subprocess.run(asking, capture_output=True, text=True, check=False).stdout

            eventually(lambda: asked() == "HTTP/2.0 of nginx")
            response = get(edge.https, host="web.example", tls=trusting_all(), server_name="web.example")
            assert response.get("X-Backend") == "web"


SESSIONS = 1000


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Enough for both ends of `SESSIONS` connections in this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_descriptors")
def test_a_killed_worker_breaks_only_its_own_sessions() -> None:
    """And connections that wait to be accepted are accepted by another one."""
    with Server(echo) as server, Stage(workers=2) as stage:
        port = stage.relay(server.address)

        def both_accept() -> bool:
            made = [connect(port) for _ in range(20)]
            for one in made:  # one that is closed before it has been accepted would be counted as a session later
                one.sendall(b"x")
                exactly(one, 1)
                one.close()
            return all(stage.each(WorkerWord.UPSTREAM_CONNECTIONS))

        eventually(both_accept)
        eventually(lambda: stage.count(WorkerWord.STREAMS_ACTIVE) == 0)
        clients = [connect(port) for _ in range(SESSIONS)]
        for client in clients:
            client.sendall(b"x")
            exactly(client, 1)
        counts = dict(zip(stage.edge.workers(), stage.each(WorkerWord.STREAMS_ACTIVE), strict=True))
        assert sum(counts.values()) == SESSIONS
        stage.edge.signal_to(stage.edge.workers()[0], 9)
        broken = sum(not alive(client) for client in clients)
        assert broken in counts.values()
        assert 0 < broken < len(clients)
        for _ in range(50):
            with connect(port) as client:
                client.sendall(b"y")
                assert exactly(client, 1) == b"y"


def alive(client: socket.socket) -> bool:
    try:
        client.sendall(b"z")
        return client.recv(1) == b"z"
    except OSError:
        return False
    finally:
        client.close()
