"""The instance at a glance, and its samples."""

import time

import pytest

from edge.control.serving.view import samples
from edge.table.counters import RouteLabels, WorkerWord
from tests.support import objects
from tests.support.admin import Admin
from tests.support.waiting import eventually

LABELS = RouteLabels(
    kind="Ingress", namespace="demo", ingress="web", service="web", host="web.example", path="/", canary=""
)


@pytest.fixture
def admin(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "INTERVAL", 3600.0)  # the tests take them
    with Admin(tmp_path) as admin:
        eventually(lambda: admin.server.api.samples._latest is not None)
        yield admin


def sample(admin):
    """Take a sample."""
    time.sleep(0.01)
    admin.server.api.samples.take()


def test_it_counts_what_there_is(admin):
    admin.apply(objects.ingress(), objects.service())
    admin.worker.set(WorkerWord.CONNECTIONS_ACTIVE, 7)
    found = admin.get("/api/overview")
    assert found["table"]["generation"] == admin.state.generation
    assert (found["table"]["hosts"], found["table"]["routes"]) == (1, 1)
    assert found["connections"]["active"] == 7
    assert found["workers"] == {"alive": 1, "restarts": 0, "behind": 0}
    assert found["ready"] is True
    assert found["problems"]["errors"] + found["problems"]["warnings"] == len(admin.state.reports())


def test_a_worker_that_obeys_an_older_table_is_behind(admin):
    admin.worker.set(WorkerWord.GENERATION, admin.state.generation - 1)
    assert admin.get("/api/overview")["workers"]["behind"] == 1


def test_before_the_second_look_nothing_is_measured(admin):
    found = admin.get("/api/overview")
    assert found["requests"] == {"rate": None, "error_ratio": None, "p50": None, "p95": None, "p99": None}
    assert found["samples"]["time"] == []


def test_a_sample_is_what_happened_since_the_one_before(admin):
    for status, times, seconds in ((200, 90, 0.002), (404, 5, 0.002), (503, 5, 0.3)):
        series = admin.worker.series(LABELS, b"GET", status)
        for _ in range(times):
            series.record(seconds, seconds, 1, 1)
    sample(admin)
    found = admin.get("/api/overview")
    assert found["requests"]["rate"] > 0
    assert found["requests"]["error_ratio"] == 0.05
    assert found["requests"]["p50"] <= 0.005
    assert 0.25 < found["requests"]["p99"] <= 0.5
    sample(admin)
    found = admin.get("/api/overview")
    assert found["requests"]["rate"] == 0.0
    assert found["requests"]["p50"] is None
    columns = {name: len(column) for name, column in found["samples"].items() if name != "interval"}
    assert set(columns.values()) == {2}


def test_requests_that_no_route_takes_count_too(admin):
    admin.worker.add(WorkerWord.UNMATCHED, 30)
    sample(admin)
    found = admin.get("/api/overview")
    assert found["requests"]["rate"] > 0
    assert found["requests"]["error_ratio"] == 0.0


def test_sessions_of_streams_are_no_requests(admin):
    series = admin.worker.sessions(LABELS, "tcp", 200)
    series.record(5.0, 0.1, 1, 1)
    sample(admin)
    assert admin.get("/api/overview")["requests"]["p99"] is None


def test_a_route_that_goes_takes_nothing_back(admin):
    admin.worker.series(LABELS, b"GET", 200).record(0.01, 0.01, 1, 1)
    sample(admin)
    admin.worker.reclaim(lambda _: False)
    sample(admin)
    assert admin.get("/api/overview")["requests"]["rate"] == 0.0


def test_the_ring_is_bounded(admin):
    for _ in range(samples.KEPT + 5):
        admin.server.api.samples.take()
    assert len(admin.get("/api/overview")["samples"]["time"]) == samples.KEPT


def test_certificates_that_end_soon_are_counted(admin):
    found = admin.get("/api/overview")["certificates"]
    assert found["total"] == 1, "the one that Edge has made"
    assert found["next"] is None or found["next"] > 0
