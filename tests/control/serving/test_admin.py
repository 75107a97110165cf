"""The admin server, over real connections."""

import gzip
import http.client
import logging
import re
import socket
import threading

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from edge.control.publishing.state import State
from edge.control.serving import bounded_server, scrapes
from edge.control.serving.admin import AdminServer
from edge.control.serving.metrics import exposition
from edge.settings import Settings
from edge.system import addresses, draining
from edge.table.counters import CountersReader, RouteLabels, WorkerCounters, WorkerWord
from tests.support.waiting import eventually, has_ipv6


class World:
    """An admin server on a free port, with a worker behind it."""

    def __init__(self, directory, address="127.0.0.1:0", **changes):
        self.directory = directory
        self.state = State()
        self.state.generation, self.state.own_table = 1, True
        self.worker = WorkerCounters(directory)
        self.worker.set(WorkerWord.GENERATION, 1)
        settings = Settings(admin=address, shm_dir=str(directory), **changes)
        self.server = AdminServer(self.state, CountersReader(directory), settings, directory)
        self.server.start()

    @property
    def address(self):
        return self.server.address.host, self.server.address.port

    def request(self, method, path, **fields):
        """Status, header fields and body of the answer."""
        connection = http.client.HTTPConnection(*self.address, timeout=40)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, response.headers, body

    def get(self, path, **fields):
        return self.request("GET", path, **fields)

    def raw(self, data):
        """All that is answered to DATA until the connection ends."""
        with socket.create_connection(self.address, timeout=40) as sock:
            sock.sendall(data)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    def close(self):
        self.server.stop()
        self.worker.close()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(bounded_server, "POLL", 0.02)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def test_health_and_readiness_are_told_with_the_reason(world):
    assert world.get("/healthz")[::2] == (200, b"ok\n")
    assert world.get("/readyz")[::2] == (200, b"ok\n")
    draining.begin(world.directory)
    status, fields, body = world.get("/readyz")
    assert (status, body) == (503, b"not ok\ndraining: the proxy is about to end\n")
    assert fields["Content-Type"] == "text/plain; charset=utf-8"
    assert world.get("/healthz")[0] == 200


def test_health_has_the_path_of_its_flag_too(tmp_path):
    world = World(tmp_path, health_check_path="/alive")
    assert world.get("/alive")[::2] == world.get("/healthz")[::2] == (200, b"ok\n")
    assert world.get("/dead")[0] == 404
    world.close()


def test_metrics_may_be_off(tmp_path):
    world = World(tmp_path, enable_metrics=False)
    assert world.get("/metrics")[0] == 404
    world.close()


def test_a_probe_may_have_a_query_and_ask_by_head(world):
    assert world.get("/readyz?verbose")[0] == 200
    status, fields, body = world.request("HEAD", "/readyz")
    assert (status, fields["Content-Length"], body) == (200, "3", b"")


def test_metrics_come_as_text_or_as_openmetrics(world):
    status, fields, body = world.get("/metrics")
    assert (status, fields["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "edge_workers" in {family.name for family in parse_text(body.decode())}
    status, fields, body = world.get("/metrics", Accept="application/openmetrics-text;version=1.0.0,*/*;q=0.1")
    assert fields["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert "edge_workers" in {family.name for family in parse_openmetrics(body.decode())}


def test_metrics_are_compressed_where_that_is_understood(world):
    _, fields, body = world.get("/metrics", Accept_Encoding="deflate, gzip;q=1.0")
    assert fields["Content-Encoding"] == "gzip"
    assert b"edge_workers 1.0\n" in gzip.decompress(body)
    assert "Content-Encoding" not in world.get("/metrics", Accept_Encoding="identity")[1]


def test_metrics_by_head_have_no_body(world):
    status, _, body = world.request("HEAD", "/metrics")
    assert (status, body) == (200, b"")


def test_http_1_0_gets_no_chunks(world):
    answer = world.raw(b"GET /metrics HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body.startswith(b"# HELP ")
    assert body.endswith(b"\n")


def test_the_index_names_what_there_is_and_everything_else_is_not_found(world):
    status, _, body = world.get("/")
    assert status == 200
    for path in (b"/metrics", b"/healthz", b"/readyz"):
        assert path in body
    for path in ("/x", "/metrics/", "/../etc/passwd"):
        assert world.get(path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_not_allowed(world, method):
    status, fields, _ = world.request(method, "/metrics")
    assert (status, fields["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_server_goes_on(world, data):
    assert re.match(rb"HTTP/1.1 (400|431|505) ", world.raw(data))
    assert world.get("/healthz")[0] == 200


def test_a_fault_of_ours_breaks_the_answer_and_not_the_server(world, monkeypatch, caplog):
    def broken():
        raise ValueError("broken")

    monkeypatch.setattr(world.state, "hosts", broken)
    with pytest.raises(http.client.HTTPException):
        world.get("/metrics")
    assert any("broken" in str(record.exc_info) for record in caplog.records)
    assert world.get("/healthz")[0] == 200


def test_the_address_is_that_which_the_kernel_gave_and_is_logged(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    world = World(tmp_path)
    assert world.server.address.port > 0
    assert f"admin server on http://127.0.0.1:{world.server.address.port}" in caplog.text
    world.close()


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6")
def test_it_listens_on_ipv6(tmp_path):
    world = World(tmp_path, "[::1]:0")
    assert str(world.server.address) == f"[::1]:{world.server.address.port}"
    assert world.get("/healthz")[0] == 200
    world.close()


def test_an_address_that_is_taken_is_an_error_that_names_it(world, tmp_path):
    taken = str(world.server.address)
    second = AdminServer(State(), CountersReader(tmp_path), Settings(admin=taken), tmp_path)
    with pytest.raises(addresses.ListenError, match=taken):
        second.start()
    second.stop()


def test_after_stop_nobody_is_served_and_no_thread_is_left(tmp_path):
    world = World(tmp_path)
    idle = socket.create_connection(world.address, timeout=40)
    eventually(lambda: threads() >= 1)
    world.close()
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(world.address, timeout=40).close()
    eventually(lambda: not any(thread.name == "admin" for thread in threading.enumerate()))
    eventually(lambda: threads() == 0)


def threads():
    """Number of threads that serve a connection of an admin server; other tests have servers too."""
    targets = [getattr(thread, "_target", None) for thread in threading.enumerate()]
    ours = [target for target in targets if isinstance(getattr(target, "__self__", None), bounded_server.BoundedServer)]
    return sum(target.__name__ == "process_request_thread" for target in ours)


# --- clients that are slow, or many -------------------------------------------------------------------------------


def test_a_client_that_sends_no_request_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded_server, "HEAD_SECONDS", 0.2)
    world = World(tmp_path)
    with socket.create_connection(world.address, timeout=40) as sock:
        sock.sendall(b"GET /metr")
        assert sock.recv(1) == b""
    eventually(lambda: threads() == 0)
    world.close()


def test_a_client_that_trickles_its_request_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded_server, "HEAD_SECONDS", 0.3)
    world = World(tmp_path)
    with socket.create_connection(world.address, timeout=0.05) as sock:

        def ended():
            try:
                sock.sendall(b"a")
                return sock.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        sock.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        eventually(ended)
    world.close()


def test_a_client_that_takes_no_answer_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded_server, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(exposition, "render", lambda *_: ("text/plain", iter([b"x" * 65536] * 10_000)))
    world = World(tmp_path)
    with socket.create_connection(world.address, timeout=40) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        eventually(lambda: threads() == 1)
        eventually(lambda: threads() == 0)
        assert world.get("/healthz")[0] == 200
    world.close()


def test_many_silent_clients_do_not_keep_a_probe_out(world):
    silent = [socket.create_connection(world.address, timeout=40) for _ in range(3 * bounded_server.MOST_CONNECTIONS)]
    for _ in range(3):
        assert world.get("/healthz")[0] == 200
    assert threads() <= 2 * bounded_server.MOST_CONNECTIONS
    for sock in silent:
        sock.close()


def test_scrapes_at_once_are_bounded_and_probes_go_on(tmp_path, monkeypatch):
    gate = threading.Event()
    begun = []

    def slow(*_):
        begun.append(1)

        def pieces():
            yield b"begun\n"
            gate.wait(40)
            yield b"done\n"

        return "text/plain", pieces()

    monkeypatch.setattr(exposition, "render", slow)
    monkeypatch.setattr(scrapes, "SCRAPE_WAIT", 0.1)
    world = World(tmp_path)
    answers = []
    scrapers = [
        threading.Thread(target=lambda: answers.append(world.get("/metrics")[::2])) for _ in range(scrapes.MOST_SCRAPES)
    ]
    for scraper in scrapers:
        scraper.start()
    eventually(lambda: len(begun) == scrapes.MOST_SCRAPES)
    assert eventually(lambda: world.get("/metrics")[0] == 503)
    assert world.get("/healthz")[0] == 200
    gate.set()
    for scraper in scrapers:
        scraper.join()
    assert answers == [(200, b"begun\ndone\n")] * scrapes.MOST_SCRAPES
    world.close()


def test_scrapes_while_workers_count_never_go_backwards(world):
    world.state.own_table = False
    labels = RouteLabels(
        kind="Ingress", namespace="shop", ingress="web", service="cart", host="a.example", path="/", canary=""
    )
    series = world.worker.series(labels, b"GET", 200)
    last = -1.0
    for _ in range(30):
        for _ in range(50):
            series.record(0.01, 0.01, 1, 1)
        body = world.get("/metrics")[2].decode()
        now = float(re.search(r"^edge_requests_total\{[^}]*\} (.+)$", body, re.MULTILINE)[1])
        assert now > last
        last = now
    assert last == 1500
