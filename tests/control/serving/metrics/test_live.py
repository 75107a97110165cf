"""A scrape of a running Edge: the metrics match what clients did."""

import re
import signal
import time
from contextlib import suppress

import pytest

from tests.control.serving.metrics.conftest import samples
from tests.support import objects
from tests.support.backends import Backend
from tests.support.clients import BrokenError
from tests.support.edge import Edge, write
from tests.support.waiting import eventually


def manifests(backend, *names):
    """The class, and an Ingress, its Service and its EndpointSlice for each of NAMES, with BACKEND behind them."""
    yield objects.ingress_class()
    for name in names:
        yield objects.ingress(name, host=f"{name}.example", service=name)
        yield objects.service(name)
        yield objects.endpoints(name, "127.0.0.1", port=backend.port)


class Site:
    """A running Edge, two workers, a backend."""

    def __init__(self, folder, backend):
        self.folder = folder
        self.backend = backend
        self.serve("one", "two")
        self.edge = Edge(folder, workers=2)

    def serve(self, *names):
        write(self.folder, "site.yaml", *manifests(self.backend, *names))

    def scrape(self):
        return samples(self.edge.admin_get("/metrics").body.decode(), openmetrics=False)

    def total(self, name, **labels):
        """Sum of all samples of NAME that have LABELS."""
        return sum(
            value
            for (found, own), value in self.scrape().items()
            if found == name and labels.items() <= dict(own).items()
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manifests")
    with Backend() as backend:
        site = Site(folder, backend)
        with site.edge:
            yield site


def test_requests_are_counted_once_by_what_answered_them(site):
    for _ in range(20):
        assert site.edge.get("/", host="one.example").status == 200
    assert site.edge.get("/status/503", host="one.example").status == 503
    assert site.edge.get("/", host="unknown.example").status == 404
    labels = {"ingress": "one", "service": "one", "method": "GET"}
    eventually(lambda: site.total("edge_requests_total", **labels, status="200") == 20)
    assert site.total("edge_requests_total", **labels, status="503", status_class="5xx") == 1
    assert site.total("edge_unmatched_requests_total") == 1
    assert site.total("edge_requests_total", ingress="two") == 0
    assert site.total("edge_request_duration_seconds_count", ingress="one") == 21
    assert site.total("edge_upstream_duration_seconds_count", ingress="one") == 21
    name = "nginx_ingress_controller_requests"
    assert site.total(name, ingress="one", host="one.example", path="/", status="200", canary="") == 20


def test_what_is_no_request_is_counted(site):
    before = site.total("edge_bad_requests_total")
    with site.edge.connect() as client, suppress(BrokenError):
        client.send(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
        client.response()
    eventually(lambda: site.total("edge_bad_requests_total") == before + 1)


def test_open_connections_are_told_by_state(site):
    with site.edge.connect() as first, site.edge.connect() as second:
        for client in (first, second):
            assert client.request("/", host="one.example").status == 200
        eventually(lambda: site.total("edge_connections", state="waiting") >= 2)
        assert site.total("edge_connections_active") >= 2
        assert site.total("edge_worker_connections") >= 2
    eventually(lambda: site.total("edge_connections_active") == 0)


def test_workers_say_how_they_are(site):
    scrape = site.scrape()
    assert scrape["edge_workers", frozenset()] == 2
    for worker in "01":
        labels = frozenset({("worker", worker)})
        assert scrape["edge_worker_resident_memory_bytes", labels] > 10_000_000
        assert scrape["edge_worker_table_lag", labels] == 0
        assert scrape["edge_worker_table_generation", labels] == scrape["edge_table_generation", frozenset()]
        assert scrape["edge_worker_heartbeat_age_seconds", labels] < 10


def test_counters_never_go_backwards_while_workers_and_the_control_plane_are_killed(site):
    last = {}

    def look():
        with suppress(OSError, BrokenError):
            for key, value in site.scrape().items():
                if re.search("(_total|_bucket|_count|_controller_requests)$", key[0]) and "control" not in key[0][5:12]:
                    assert value >= last.get(key, 0) or "publi" in key[0], key
                    last[key] = value

    restarts = 0
    for victim in ("worker", "control", "worker"):
        for _ in range(10):
            with suppress(OSError, BrokenError):
                site.edge.get("/", host="two.example")
            look()
        pid = site.edge.control_pid if victim == "control" else site.edge.workers()[0]
        site.edge.signal_to(pid, signal.SIGKILL)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            look()
        site.edge.wait_ready()
        restarts += victim == "worker"
        # Its end does not mean that the next one is there, which may take a while on a busy machine.
        eventually(lambda restarts=restarts: site.total("edge_worker_restarts_total") == restarts)
        eventually(lambda: site.total("edge_workers") == 2)
    look()
    assert site.total("edge_requests_total", ingress="two") >= 28
    assert site.total("edge_requests_total", ingress="one") >= 21
    assert site.total("edge_worker_restarts_total") == restarts == 2


def test_a_route_that_is_deleted_disappears_and_one_that_comes_back_goes_on(site):
    before = site.total("edge_requests_total", ingress="two")
    site.serve("one")
    eventually(lambda: site.total("edge_requests_total", ingress="two") == 0)
    assert site.total("edge_request_duration_seconds_count", ingress="one") > 0
    site.serve("one", "two")
    eventually(lambda: site.total("edge_requests_total", ingress="two") == before)


def test_it_is_well(site):
    assert site.edge.admin_get("/healthz").body == b"ok\n"
    assert site.edge.admin_get("/readyz").body == b"ok\n"


def test_problems_and_endpoints_are_told(site):
    write(site.folder, "broken.yaml", objects.ingress("broken", host="broken.example", service="missing"))
    eventually(lambda: site.total("edge_problems", severity="error") >= 1)
    eventually(lambda: site.total("nginx_ingress_controller_orphan_ingress", ingress="broken", type="no-service") == 1)
    assert site.total("edge_service_endpoints", service="one") == 1
    (site.folder / "broken.yaml").unlink()
    eventually(lambda: site.total("edge_problems") == 0)


def test_the_default_certificate_has_an_expiry(site):
    assert site.total("nginx_ingress_controller_ssl_expire_time_seconds", host="_") > time.time()
