"""TLSRoutes, TCPRoutes and UDPRoutes at the addresses of Gateways, with real sockets."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Site
from tests.support import certificates, gateway, objects
from tests.support.certificates import trusting_all
from tests.support.edge import Edge, free_port, write
from tests.support.gateway import VERSION, listener, rule
from tests.support.objects import Manifest
from tests.support.plain import PATIENCE, DatagramServer, Server, asked, datagram_client, exactly, named
from tests.support.tls_backends import TlsBackend
from tests.support.waiting import eventually

PAIR = certificates.issue("*.example", "ended.example")
PORT, SECOND, SECURE = free_port(), free_port(), free_port()
pytestmark = pytest.mark.usefixtures("edge")


def stream_route(kind: str, name: str, *backends: Any, hosts: tuple[str, ...] = (), **parent: Any) -> Manifest:
    """A route of KIND to BACKENDS whose parent is the Gateway PARENT (default: that of its own name)."""
    made = gateway.route(rule(*backends), name=name, hosts=hosts, parents=[{"name": name, **parent}])
    return {**made, "apiVersion": VERSION, "kind": kind}


def at(address: str, name: str, *listeners: Manifest) -> Manifest:
    made = gateway.gateway(*listeners, name=name)
    made["spec"]["addresses"] = [{"type": "IPAddress", "value": address}]
    return made


def tls(name: str, mode: str, hostname: str = "") -> Manifest:
    secret = {"certificateRefs": [{"name": "tls"}]} if mode == "Terminate" else {}
    return listener(name, hostname, port=SECURE, protocol="TLS", tls={"mode": mode, **secret})


def slices(name: str, port: int, protocol: str = "TCP") -> list[Manifest]:
    """A Service whose only endpoint is at PORT of this machine."""
    service = objects.service(name, target="main")
    service["spec"]["ports"][0]["protocol"] = protocol
    made = objects.endpoints(name, "127.0.0.1", port=port)
    made["ports"][0]["protocol"] = protocol
    return [service, made]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("manifests"))
    with (
        Server(named("one")) as one,
        Server(named("two")) as two,
        DatagramServer(lambda data: [b"udp:" + data]) as datagrams,
        TlsBackend(PAIR, name="secure") as secure,
    ):
        write(made.folder, "one.yaml", *slices("one", one.port), *slices("two", two.port))
        write(made.folder, "udp.yaml", *slices("udp", datagrams.port, "UDP"), *slices("secure", secure.port))
        write(made.folder, "secret.yaml", objects.secret(tls_crt=PAIR.certificate, tls_key=PAIR.key))
        write(made.folder, "class.yaml", gateway.gateway_class())
        yield made


@pytest.fixture(scope="module")
def edge(site: Site) -> Iterator[Edge]:
    with Edge(site.folder, "--gateway-addresses=127.9.3.0/24", "--log-format=json", workers=2) as one:
        yield one


def put(site: Site, name: str, *manifests: Manifest) -> None:
    write(site.folder, f"{name}.yaml", *manifests)


def greeting(address: str, port: int = PORT) -> str:
    """What the other end says first; empty: nobody listens, or the connection is closed."""
    try:
        with socket.create_connection((address, port), PATIENCE) as sock:
            sock.settimeout(PATIENCE)
            return sock.recv(3).decode()
    except OSError:
        return ""


def test_a_tcp_route(site: Site) -> None:
    """The port is open when the route is there, and closed again without it."""
    tcp = listener("tcp", port=PORT, protocol="TCP")
    put(site, "tcp", at("127.9.3.10", "tcp", tcp))
    put(site, "tcp-route", stream_route("TCPRoute", "tcp", "one"))
    eventually(lambda: greeting("127.9.3.10") == "one")
    with socket.create_connection(("127.9.3.10", PORT), PATIENCE) as sock:
        assert exactly(sock, 3) == b"one"
        sock.sendall(b"hello")
        assert exactly(sock, 5) == b"hello"
    put(site, "tcp-route")
    eventually(lambda: greeting("127.9.3.10") == "")


def test_the_oldest_of_two_routes_counts(site: Site) -> None:
    put(site, "two", at("127.9.3.11", "two", listener("tcp", port=PORT, protocol="TCP")))
    old, new = (stream_route("TCPRoute", "two", service) for service in ("one", "two"))
    old["metadata"] |= {"name": "old", "creationTimestamp": "2025-01-01T00:00:00Z"}
    new["metadata"] |= {"name": "new", "creationTimestamp": "2026-01-01T00:00:00Z"}
    put(site, "two-routes", new, old)
    eventually(lambda: greeting("127.9.3.11") == "one")
    assert {greeting("127.9.3.11") for _ in range(8)} == {"one"}


def test_parents_by_port_and_by_section(site: Site) -> None:
    listeners = [listener(name, port=port, protocol="TCP") for name, port in (("a", PORT), ("b", SECOND))]
    put(site, "parts", at("127.9.3.12", "parts", *listeners))
    by_port, by_name = stream_route("TCPRoute", "parts", "one", port=PORT), stream_route("TCPRoute", "parts", "two")
    by_port["metadata"]["name"] = "by-port"
    by_name["spec"]["parentRefs"] = [{"name": "parts", "sectionName": "b"}]
    put(site, "parts-routes", by_port, by_name)
    eventually(lambda: [greeting("127.9.3.12", port) for port in (PORT, SECOND)] == ["one", "two"])


def test_a_backend_that_does_not_exist_closes_connections(site: Site) -> None:
    put(site, "bad", at("127.9.3.13", "bad", listener("tcp", port=PORT, protocol="TCP")))
    put(site, "bad-route", stream_route("TCPRoute", "bad", "one=0", "missing=1"))
    eventually(lambda: _is_open("127.9.3.13"))
    assert greeting("127.9.3.13") == ""


def _is_open(address: str) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((address, PORT)) == 0


def test_a_udp_route_beside_a_tcp_route_at_the_same_port(site: Site) -> None:
    listeners = [listener(name.lower(), port=PORT, protocol=name) for name in ("TCP", "UDP")]
    put(site, "both", at("127.9.3.14", "both", *listeners))
    put(site, "both-routes", stream_route("TCPRoute", "both", "one"), stream_route("UDPRoute", "both", "udp"))
    eventually(lambda: greeting("127.9.3.14") == "one")
    with datagram_client(PORT, "127.9.3.14") as client:
        assert asked(client, b"ping") == b"udp:ping"


def test_weights_share_connections_and_sessions_among_backends(site: Site) -> None:
    """A backend without weight gets none; the others get what their weights say."""
    listeners = [listener(name.lower(), port=PORT, protocol=name) for name in ("TCP", "UDP")]
    put(site, "shares", at("127.9.3.15", "shares", *listeners))
    put(
        site,
        "shares-routes",
        stream_route("TCPRoute", "shares", "one=3", "two=1", "missing=0"),
        stream_route("UDPRoute", "shares", "udp=1", "udp=0"),
    )
    eventually(lambda: greeting("127.9.3.15") != "")
    found = [greeting("127.9.3.15") for _ in range(200)]
    assert set(found) == {"one", "two"}
    assert 105 < found.count("one") < 190, "three of four"
    with datagram_client(PORT, "127.9.3.15") as client:
        assert asked(client, b"ping") == b"udp:ping"


def test_connections_go_on_when_their_backend_leaves_the_route(site: Site) -> None:
    put(site, "drain", at("127.9.3.16", "drain", listener("tcp", port=PORT, protocol="TCP")))
    put(site, "drain-route", stream_route("TCPRoute", "drain", "one"))
    eventually(lambda: greeting("127.9.3.16") == "one")
    with socket.create_connection(("127.9.3.16", PORT), PATIENCE) as sock:
        assert exactly(sock, 3) == b"one"
        put(site, "drain-route", stream_route("TCPRoute", "drain", "two"))
        eventually(lambda: greeting("127.9.3.16") == "two")
        put(site, "drain-route")
        eventually(lambda: greeting("127.9.3.16") == "")
        sock.sendall(b"hello")
        assert exactly(sock, 5) == b"hello"


def test_sessions_are_logged_with_their_route(site: Site, edge: Edge) -> None:
    put(site, "logs", at("127.9.3.40", "logs", *(listener(n.lower(), port=PORT, protocol=n) for n in ("TCP", "UDP"))))
    put(site, "logs-tls", at("127.9.3.41", "logs-tls", tls("tls", "Terminate")))
    routes = [stream_route("TCPRoute", "logs", "one"), stream_route("UDPRoute", "logs", "udp")]
    put(site, "logs-routes", *routes, stream_route("TLSRoute", "logs-tls", "two", hosts=("ended.example",)))
    wanted = {
        ("TCP", "TCPRoute", "demo", "logs", "demo-one-80"),
        ("UDP", "UDPRoute", "demo", "logs", "demo-udp-80"),
        ("TLS", "TLSRoute", "demo", "logs-tls", "demo-two-80"),
    }

    def logged() -> bool:
        assert (greeting("127.9.3.40"), over_tls("127.9.3.41", "ended.example")) == ("one", "two")
        with datagram_client(PORT, "127.9.3.40") as client:
            assert asked(client, b"ping") == b"udp:ping"
        lines = [json.loads(one) for one in edge.output.splitlines() if '"proxy_upstream_name"' in one]
        fields = ("protocol", "kind", "namespace", "ingress", "proxy_upstream_name")
        return wanted <= {tuple(one[field] for field in fields) for one in lines}

    eventually(logged)


def test_sessions_are_counted_by_route_and_backend(site: Site, edge: Edge) -> None:
    put(site, "count", at("127.9.3.17", "count", *(listener(n.lower(), port=PORT, protocol=n) for n in ("TCP", "UDP"))))
    put(site, "count-tls", at("127.9.3.18", "count-tls", tls("tls", "Terminate")))
    routes = [stream_route("TCPRoute", "count", "one", "two"), stream_route("UDPRoute", "count", "udp")]
    put(site, "count-routes", *routes, stream_route("TLSRoute", "count-tls", "two", hosts=("ended.example",)))
    eventually(lambda: greeting("127.9.3.17") != "")
    eventually(lambda: over_tls("127.9.3.18", "ended.example") == "two")
    wanted = [
        ("TCPRoute", "count", "one", "tcp"),
        ("TCPRoute", "count", "two", "tcp"),
        ("UDPRoute", "count", "udp", "udp"),
        ("TLSRoute", "count-tls", "two", "tls"),
    ]

    def counted() -> bool:
        greeting("127.9.3.17")
        with datagram_client(PORT, "127.9.3.17") as client:
            asked(client, b"x")
        text = edge.admin_get("/metrics").body.decode()
        return all(
            f'edge_sessions_total{{kind="{kind}",namespace="demo",ingress="{name}",service="{service}",'
            f'protocol="{protocol}",status="200"}}' in text
            for kind, name, service, protocol in wanted
        )

    eventually(counted)


# --- TLS ------------------------------------------------------------------------------------------------------------


def over_tls(address: str, server_name: str) -> str:
    """What answers over TLS for SERVER_NAME: the name of the HTTP backend, or what a stream says first; empty: it is
    closed."""
    try:
        with (
            socket.create_connection((address, SECURE), PATIENCE) as sock,
            trusting_all().wrap_socket(sock, server_hostname=server_name) as secure,
        ):
            secure.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            said = secure.recv(65536)
    except (OSError, ssl.SSLError):
        return ""
    return "secure" if b"X-Backend: secure" in said else said[:3].decode()


def test_tls_is_passed_on_by_server_name(site: Site) -> None:
    """Hosts are what the route and the listener have in common; all else is closed."""
    put(site, "pass", at("127.9.3.20", "pass", tls("tls", "Passthrough", "*.example")))
    put(site, "pass-route", stream_route("TLSRoute", "pass", "secure", hosts=("a.example", "a.other")))
    eventually(lambda: over_tls("127.9.3.20", "a.example") == "secure")
    assert [over_tls("127.9.3.20", name) for name in ("b.example", "a.other")] == ["", ""]


def test_tls_is_ended_for_a_stream(site: Site) -> None:
    """With the certificate of the listener, which has no host name of its own here."""
    put(site, "end", at("127.9.3.21", "end", tls("tls", "Terminate")))
    put(site, "end-route", stream_route("TLSRoute", "end", "one", hosts=("ended.example",)))
    eventually(lambda: over_tls("127.9.3.21", "ended.example") == "one")
    assert over_tls("127.9.3.21", "other.example") == ""
    with (
        socket.create_connection(("127.9.3.21", SECURE), PATIENCE) as sock,
        trusting_all().wrap_socket(sock, server_hostname="ended.example") as secure,
    ):
        assert certificates.serial_of(secure.getpeercert(binary_form=True)) == PAIR.serial


def test_both_modes_at_one_port(site: Site) -> None:
    listeners = [tls("pass", "Passthrough", "pass.example"), tls("end", "Terminate", "end.example")]
    put(site, "mixed", at("127.9.3.22", "mixed", *listeners))
    put(
        site,
        "mixed-routes",
        *(
            {**one, "metadata": {**one["metadata"], "name": f"mixed-{part}"}}
            for part, one in (
                ("pass", stream_route("TLSRoute", "mixed", "secure", hosts=("pass.example",), sectionName="pass")),
                ("end", stream_route("TLSRoute", "mixed", "one", hosts=("end.example",), sectionName="end")),
            )
        ),
    )
    eventually(lambda: [over_tls("127.9.3.22", f"{name}.example") for name in ("pass", "end")] == ["secure", "one"])


def test_what_is_ended_goes_by_tls_to_endpoints_that_a_policy_names(site: Site) -> None:
    """What is passed through to the same Service goes there as it is. Where the policy cannot be met nothing goes."""
    listeners = [tls("pass", "Passthrough", "pass.example"), tls("end", "Terminate", "end.example")]
    put(site, "again", at("127.9.3.23", "again", *listeners))
    put(site, "again-routes", stream_route("TLSRoute", "again", "secure", hosts=("pass.example", "end.example")))

    def both() -> list[str]:
        return [over_tls("127.9.3.23", f"{name}.example") for name in ("pass", "end")]

    eventually(lambda: both() == ["secure", ""])  # in the clear the endpoint does not answer
    for name, pair in (("authorities", certificates.authority()), ("others", certificates.authority("Other"))):
        put(site, name, objects.config_map(name, {"ca.crt": pair.certificate.decode()}))
    put(site, "policy", gateway.backend_tls_policy("secure", hostname="ended.example"))
    eventually(lambda: both() == ["secure", "secure"])
    put(site, "policy", gateway.backend_tls_policy("secure", hostname="ended.example", authorities=("others",)))
    eventually(lambda: both() == ["secure", ""])
    put(
        site, "policy", gateway.backend_tls_policy("secure", hostname="ended.example", authorities=("authorities", "x"))
    )
    eventually(lambda: both() == ["secure", "secure"])
    put(site, "policy", gateway.backend_tls_policy("secure", hostname="other.test"))
    eventually(lambda: both() == ["secure", ""])
