"""One running Edge as its clients see it."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import websocket

from tests.e2e.conftest import Site
from tests.support import certificates, objects
from tests.support.annotated import annotated
from tests.support.backends import Backend, pattern
from tests.support.clients import Client, get
from tests.support.edge import Edge, write
from tests.support.waiting import eventually, free_port, has_ipv6

PAIR = certificates.issue("safe.example", "*.wild.example")


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend() as one:
        yield one


@pytest.fixture(scope="module")
def edge(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    site = Site(tmp_path_factory.mktemp("manifests"))
    site.serve("web", backend, annotations=annotated(proxy_body_size="16m"))
    site.serve("safe", backend, host="safe.example", secret="tls")
    site.serve("wild", backend, host="*.wild.example", secret="tls")
    site.serve("empty", host="empty.example")
    write(site.folder, "secret.yaml", objects.secret(tls_crt=PAIR.certificate, tls_key=PAIR.key))
    ipv6 = [f"--http=[::1]:{free_port('::1')}"] if has_ipv6() else []
    with Edge(site.folder, *ipv6) as one:
        one.ipv6 = int(ipv6[0].rpartition(":")[2]) if ipv6 else 0  # type: ignore[attr-defined]
        yield one


def test_a_request_reaches_its_service(edge: Edge) -> None:
    """With method, target and body as they came, the host kept, and what ingress-nginx tells endpoints."""
    fields = [("X-Own", "1"), ("X-Forwarded-For", "203.0.113.9"), ("Connection", "X-Secret"), ("X-Secret", "s")]
    with edge.connect() as client:
        seen = client.request("/a%2Fb?c=%20d", method="PUT", fields=fields, body=b"body").json()
    headers = {name.lower(): value for name, value in seen["headers"]}
    assert (seen["method"], seen["target"], seen["body"]) == ("PUT", "/a%2Fb?c=%20d", "body")
    assert headers["host"] == headers["x-forwarded-host"] == "web.example"
    assert headers["x-real-ip"] == headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == headers["x-forwarded-scheme"] == headers["x-scheme"] == "http"
    assert headers["x-forwarded-port"] == str(edge.http)
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert headers["x-own"] == "1"
    assert "x-secret" not in headers


def test_the_log_tells_each_address_as_it_is(edge: Edge) -> None:
    assert f"listening on http://127.0.0.1:{edge.http}\n" in edge.log
    assert f"listening on https://127.0.0.1:{edge.https}\n" in edge.log
    assert f"http://127.0.0.1:{edge.https}" not in edge.log


def test_no_route_and_no_endpoint(edge: Edge) -> None:
    """404 where nothing takes the request, 503 where nobody answers."""
    assert edge.get("/", host="nobody.example").status == 404
    assert edge.get("/", host="empty.example").status == 503


@pytest.mark.parametrize("target", ["/healthz", "/healthz?from=balancer"])
def test_a_balancer_may_ask_for_health_where_traffic_goes(edge: Edge, target: str) -> None:
    with Client(edge.http) as client:
        assert client.request(target, host="nobody.example").status == 200
        assert client.request("/healthzz", host="nobody.example").status == 404


@pytest.mark.parametrize(
    ("target", "location"),
    [("/a?b=c", "/a?b=c"), ("/a/", "/a"), ("/", ""), ("/?b=c", "/?b=c"), ("/a/?b=/c/", "/a/?b=/c/")],
)
def test_hosts_with_tls_are_redirected_to_it(edge: Edge, target: str, location: str) -> None:
    """308 with the whole target, but for a slash at its end."""
    response = edge.get(target, host=f"Safe.Example:{edge.http}")
    assert response.status == 308
    assert (response.get("location") or "").lower() == "https://safe.example" + location


def test_the_certificate_follows_the_name(edge: Edge) -> None:
    """Exact, then wildcard, else the default one; HTTP goes on as such behind it."""
    for host in ("safe.example", "a.wild.example"):
        response = get(edge.https, "/", tls=certificates.trusting(), host=host)
        headers = dict(response.json()["headers"])
        assert headers["X-Forwarded-Proto"] == "https"
        assert headers["X-Forwarded-Port"] == "443"
    with edge.connect(tls=certificates.trusting_all(), server_name="other.example") as client:
        assert certificates.serial_of(client.certificate) != PAIR.serial


def test_plain_http_on_the_tls_port_is_told(edge: Edge) -> None:
    """400, as nginx does it."""
    assert get(edge.https, "/").status == 400


def test_connections_are_kept_on_both_sides(edge: Edge, backend: Backend) -> None:
    """Ten requests of one client need one connection to the endpoint."""
    with edge.connect() as client:
        client.request("/")
        before = backend.connections
        assert len({client.request("/").json()["connection"] for _ in range(10)}) == 1
        assert backend.connections == before


def test_bodies_go_both_ways(edge: Edge) -> None:
    """Sized, chunked, and until the end of the connection; 10 MB."""
    size = 10_000_000
    assert edge.get(f"/bytes/{size}").body == pattern(size)
    assert edge.get("/stream/100/100000").body == pattern(100_000) * 100
    assert edge.get("/until-close/100000").body == pattern(100_000)
    told = edge.get("/upload", method="POST", body=pattern(size)).json()
    assert told == {"length": size, "sha256": hashlib.sha256(pattern(size)).hexdigest(), "trailers": []}


def test_head_and_bodiless_answers(edge: Edge) -> None:
    """The connection stays usable behind each."""
    with edge.connect() as client:
        response = client.request("/bytes/1000", method="HEAD")
        assert response.get("content-length") == "1000"
        assert client.request("/status/204").status == 204
        assert client.request("/status/304").status == 304
        assert client.request("/").status == 200


def test_expect_100_continue(edge: Edge) -> None:
    """The client is asked for the body before it sends it."""
    with edge.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: web.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert client.head().status == 100
        client.send(b"body")
        assert client.response("POST").json()["body"] == "body"


def test_http_1_0(edge: Edge) -> None:
    """Is answered without chunks and closed."""
    with edge.connect() as client:
        client.send(b"GET /stream/3/10 HTTP/1.0\r\nHost: web.example\r\n\r\n")
        response = client.response()
        assert response.get("transfer-encoding") is None
        assert response.body == pattern(10) * 3
        assert client.is_closed()


@pytest.mark.parametrize("secure", [False, True])
def test_websockets_pass(edge: Edge, *, secure: bool) -> None:
    """Frames of every size in both directions, over plain HTTP and TLS."""
    scheme, port, host = ("wss", edge.https, "safe.example") if secure else ("ws", edge.http, "web.example")
    one = websocket.create_connection(
        f"{scheme}://127.0.0.1:{port}/websocket", host=host, timeout=40,
        sslopt={"context": certificates.trusting_all(), "server_hostname": host},
    )  # fmt: skip
    try:
        for size in (0, 5, 126, 70_000):
            one.send_binary(b"x" * size)
            assert one.recv() == b"x" * size
    finally:
        one.close()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6(edge: Edge) -> None:
    """A listener of its own, whose clients are told by their addresses."""
    response = get(edge.ipv6, "/", address="::1")  # type: ignore[attr-defined]
    assert dict(response.json()["headers"])["X-Real-IP"] == "::1"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6_endpoints(site: Site) -> None:
    """An EndpointSlice of IPv6 addresses."""
    with Backend(host="::1") as backend:
        site.serve("web", backend)
        with Edge(site.folder) as one:
            assert one.get("/").status == 200


def test_the_admin_server(edge: Edge) -> None:
    """Health, readiness and metrics of what has been asked."""
    edge.get("/counted")
    assert edge.admin_get("/healthz").status == 200
    assert edge.admin_get("/readyz").status == 200
    counted = "edge_requests_total{"
    eventually(lambda: counted in edge.admin_get("/metrics").body.decode())
    assert edge.admin_get("/else").status == 404


def test_edge_routes_shows_the_live_table(edge: Edge) -> None:
    """As workers see it, for people and for programs."""
    command = [sys.executable, "-m", "edge", "routes", f"--shm-dir={edge.shm_dir}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=40).stdout
    assert "safe.example" in text
    listed = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, timeout=40).stdout
    assert "*.wild.example" in json.dumps(json.loads(listed))


# --- the access log ---------------------------------------------------------------------------------------------------

TEXT = re.compile(
    r"127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    r'"GET /logged\?a=\\x22b HTTP/1\.1" 200 \d+ "http://ref/" "agent/1" '
    r"\d+ \d+\.\d{3} \[demo-web-(?:80|http)\] \[\] 127\.0\.0\.1:\d+ \d+ \d+\.\d{3} 200 [0-9a-f]{32}"
)


def log_a_request(edge: Edge) -> None:
    with edge.connect() as client:
        client.request('/logged?a="b', fields=[("User-Agent", "agent/1"), ("Referer", "http://ref/")])


def test_access_lines_are_those_of_ingress_nginx(edge: Edge) -> None:
    """On standard output, with what clients wrote escaped."""
    log_a_request(edge)
    line = eventually(lambda: [one for one in edge.output.splitlines() if "/logged" in one])[0]
    assert TEXT.fullmatch(line), line


def test_access_lines_as_json(site: Site, backend: Backend) -> None:
    """One object a line."""
    site.serve("web", backend)
    with Edge(site.folder, "--log-format=json") as edge:
        log_a_request(edge)
        line = json.loads(eventually(lambda: [one for one in edge.output.splitlines() if "/logged" in one])[0])
        assert all(json.loads(one) for one in edge.log.splitlines()), "other logs are JSON too"
    assert "200" in {str(value) for value in line.values()}
    assert "agent/1" in line.values()


def test_what_was_refused_as_no_request_is_logged_as_far_as_it_is_known(site: Site, backend: Backend) -> None:
    """By its first line, whatever bytes that has; nothing is said of what could not be read."""
    site.serve("web", backend)
    with Edge(site.folder, "--log-format=json") as edge, edge.connect() as client:
        client.send(b'G"ET /\xff\x00\x1b HTTP/1.1\r\nHost: web.example\r\n\r\n')
        refusal = client.response()
        line = json.loads(eventually(lambda: edge.output))
    assert line["status"] == refusal.status == 400
    assert line["body_bytes_sent"] == len(refusal.body)
    assert line["target"].startswith('G"ET /')
    assert [line[name] for name in ("method", "host", "protocol", "upstream_addr")] == [None] * 4


def test_the_access_log_can_be_turned_off(site: Site, backend: Backend) -> None:
    """Then standard output stays empty."""
    site.serve("web", backend)
    with Edge(site.folder, "--no-access-log") as edge:
        log_a_request(edge)
        assert edge.stop() == 0
        assert edge.output == ""


def test_the_log_is_complete_at_the_end(site: Site, backend: Backend) -> None:
    """What was gathered when the order to end came is written."""
    site.serve("web", backend)
    with Edge(site.folder, workers=2) as edge:
        for number in range(20):
            edge.get(f"/{number}")
        assert edge.stop() == 0
        assert len(edge.output.splitlines()) == 20


def test_a_bad_request_is_refused_and_the_next_connection_served(edge: Edge) -> None:
    """400, then the end of that connection."""
    with Client(edge.http) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.response().status == 400
        assert client.is_closed()
    assert edge.get("/").status == 200
