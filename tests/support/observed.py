"""Edge with a bit of everything going on, and a Prometheus that watches it: for dashboards and alerts.

Two Ingresses, `demo/shop` (two Services, TLS, errors among the answers) and `demo/news`; a client for each of their
ways to fare; an endpoint that nobody listens on; requests that no route takes, and some that are no HTTP. TCP and UDP
services to the same endpoints, whose clients come and go.
"""

from __future__ import annotations

import contextlib
import random
import threading
from typing import TYPE_CHECKING, Any

from tests.support import objects, prometheus
from tests.support.backends import Backend
from tests.support.certificates import self_signed, trusting_all
from tests.support.clients import BrokenError, Client
from tests.support.configured import config_map
from tests.support.edge import Edge, write
from tests.support.plain import DatagramServer, datagram_client
from tests.support.waiting import eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.prometheus import Prometheus

POD = {"POD_NAMESPACE": prometheus.TAKEOVER_LABELS["namespace"], "POD_NAME": "edge-0"}
"""What the downward API tells a pod in its environment."""
SHOP, NEWS = "shop.example", "news.example"
TARGETS = ("/", "/", "/", "/bytes/2000", "/bytes/20000", "/status/404", "/cart/", "/cart/bytes/500")


STREAMS = ("--tcp-services-configmap=demo/tcp", "--udp-services-configmap=demo/udp")


class World:
    """What a test sees of it."""

    def __init__(
        self, folder: Path, edge: Edge, prometheus: Prometheus, *backends: Backend, tcp: int, udp: int
    ) -> None:
        """TCP, UDP: ports of services."""
        self.tcp, self.udp = tcp, udp
        self.manifests = folder
        self.edge = edge
        self.prometheus = prometheus
        self.error_share = 0.05
        """Of the answers of the shop that are 500."""
        self.pause = 0.02
        """Seconds that a client waits between requests, twice at most."""
        self._ending = threading.Event()
        self._backends = backends

    def release_after(self, seconds: float) -> None:
        """Have all requests for /hold answered after SECONDS."""
        for backend in self._backends:
            threading.Timer(seconds, backend.release.set).start()

    def clients(self) -> Iterator[threading.Thread]:
        """The clients, not yet started."""
        for work in (self._shop, self._shop_tls, self._news, self._call, self._lost, self._stream, self._datagrams):
            yield threading.Thread(target=self._repeat, args=(work,), daemon=True)

    def end(self) -> None:
        """Tell the clients to end."""
        self._ending.set()

    def _repeat(self, work: Any) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(OSError, BrokenError):
                work()
            self._rest()

    def _rest(self) -> None:
        self._ending.wait(random.uniform(0, 2 * self.pause))

    def _visit(self, client: Client, host: str, count: int) -> None:
        for _ in range(count):
            target = "/status/500" if random.random() < self.error_share else random.choice(TARGETS)
            method = random.choice(("GET", "GET", "GET", "POST"))
            client.request(target, host=host, method=method, body=b"x" * 300 if method == "POST" else None)
            self._rest()

    def _shop(self) -> None:
        with Client(self.edge.http) as client:
            self._visit(client, SHOP, 20)

    def _shop_tls(self) -> None:
        with Client(self.edge.https, tls=trusting_all(), server_name=SHOP) as client:
            self._visit(client, SHOP, 5)

    def _news(self) -> None:
        with Client(self.edge.http) as client:
            self._visit(client, NEWS, 10)

    def _call(self) -> None:
        """A call of gRPC that is too large."""
        fields = f"Host: {NEWS}\r\nContent-Type: application/grpc\r\nContent-Length: 2000000\r\n"
        with Client(self.edge.http) as client:
            client.send(f"POST / HTTP/1.1\r\n{fields}\r\n".encode())
            client.head()
        self._ending.wait(0.3)

    def _lost(self) -> None:
        """Nobody's host, a request that is none, and a handshake that fails."""
        with Client(self.edge.http) as client:
            client.request("/", host="nobody.example")
            client.send(b"NONSENSE\r\n\r\n")
            client.read_to_end()
        with Client(self.edge.https) as client:
            client.send(b"\x16\x03\x01\x00\x05hello")
            client.read_to_end()
        self._ending.wait(0.3)

    def _stream(self) -> None:
        """A relayed connection now and then: each has one to an endpoint, too, which others keep open."""
        with Client(self.tcp) as client:
            self._visit(client, NEWS, 2)
        self._ending.wait(1)

    def _datagrams(self) -> None:
        with datagram_client(self.udp) as client:
            client.settimeout(1)
            client.send(b"?")
            client.recv(100)


def services(folder: Path, datagrams: int) -> tuple[int, int]:
    """Write a TCP service to the Service news and a UDP service to the port DATAGRAMS; gives their ports."""
    tcp, udp = free_port(), free_port()
    service, endpoints = objects.service("dns"), objects.endpoints("dns", "127.0.0.1", port=datagrams)
    for port in (*service["spec"]["ports"], *endpoints["ports"]):
        port["protocol"] = "UDP"
    maps = (config_map({str(tcp): "demo/news:80"}, "demo/tcp"), config_map({str(udp): "demo/dns:80"}, "demo/udp"))
    write(folder, "streams.yaml", service, endpoints, *maps)
    return tcp, udp


def manifests(folder: Path, shop: Backend, cart: Backend, news: Backend, dead: int) -> None:
    """Write what Edge serves; DEAD is a port on which nobody listens."""
    certificate = self_signed(SHOP, days=90)
    secret = objects.secret("shop-tls", tls_crt=certificate.certificate, tls_key=certificate.key)
    two = objects.ingress("shop", host=SHOP, service="shop", secret="shop-tls")
    cart_backend = {"service": {"name": "cart", "port": {"number": 80}}}
    two["spec"]["rules"][0]["http"]["paths"].append({"path": "/cart", "pathType": "Prefix", "backend": cart_backend})
    two["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}
    write(folder, "class.yaml", objects.ingress_class())
    write(folder, "shop.yaml", secret, two, objects.service("shop"), objects.service("cart"))
    write(folder, "news.yaml", objects.ingress("news", host=NEWS, service="news"), objects.service("news"))
    write(
        folder,
        "endpoints.yaml",
        objects.endpoints("shop", "127.0.0.1", port=shop.port),
        objects.endpoints("shop", "127.0.0.1", port=dead, suffix="2"),
        objects.endpoints("cart", "127.0.0.1", port=cart.port),
        objects.endpoints("news", "127.0.0.1", port=news.port),
    )


@contextlib.contextmanager
def world(folder: Path, *flags: str, rules: dict[str, Any] | None = None) -> Iterator[World]:
    """Start everything; files go to FOLDER."""
    served, data = folder / "manifests", folder / "prometheus"
    served.mkdir()
    data.mkdir()
    with (
        Backend("shop") as shop,
        Backend("cart") as cart,
        Backend("news") as news,
        DatagramServer(lambda data: [data]) as dns,
    ):
        manifests(served, shop, cart, news, free_port())
        tcp, udp = services(served, dns.port)
        edge = Edge(served, *STREAMS, *flags, workers=2, environment=POD)
        # Prometheus takes five seconds from its start to its first look.
        with prometheus.running(data, f"127.0.0.1:{edge.admin}", rules=rules) as watcher, edge:
            made = World(served, edge, watcher, shop, cart, news, tcp=tcp, udp=udp)
            clients = list(made.clients())
            for client in clients:
                client.start()
            count = f"count_over_time(edge_build_info[1m] offset {prometheus.INTERVAL}) > 4"
            eventually(lambda: watcher.query(count), timeout=40, message="nothing is scraped")
            try:
                yield made
            finally:
                made.end()
                for client in clients:
                    client.join(40)
