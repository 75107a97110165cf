"""Metrics of the control plane."""

import time

import pytest

from edge.control.compiling.delta import Delta
from edge.control.kinds import problems
from edge.control.kinds.objects import ObjectId
from edge.control.publishing.state import State
from edge.control.serving.admission.reviews import Reviews
from edge.control.serving.metrics import plane
from edge.system import draining
from edge.table.counters import WorkerWord
from edge.table.records import Certificate, Endpoint, Host, ServicePort
from tests.control.serving.metrics.conftest import route


def test_the_table_its_age_and_its_failures_are_told(world):
    world.state.publications = 3
    world.state.failure, world.state.failures = "no space left", 1
    assert world.value("edge_table_generation") == 7
    assert world.value("edge_table_last_change_timestamp_seconds") == 1.7e9
    assert world.value("edge_table_publications_total") == 3
    assert world.value("edge_table_publish_failures_total") == 1
    assert world.value("edge_table_publish_failed") == 1
    world.state.failure = ""
    assert world.value("edge_table_publish_failed") == 0
    assert world.value("edge_table_publish_failures_total") == 1


def test_what_is_in_the_table_is_counted(world):
    world.serve(Host(name="b.example", routes=(route("/a"), route("/b")), default=route()))
    assert world.value("edge_table_hosts") == 2
    assert world.value("edge_table_routes") == 4


def test_objects_are_counted_by_kind_and_problems_by_reason(world):
    owner = ObjectId("Ingress", "shop", "web")
    found = (
        problems.error("ServiceNotFound", "spec.rules[0]", "there is no Service x"),
        problems.error("ServiceNotFound", "spec.rules[1]", "there is no Service y"),
        problems.warning("PathConflict", "spec.rules[2]", "it is taken"),
    )
    world.state.commit(Delta(problems={owner: ("uid", found)}), {"Ingress": 12, "Service": 3})
    assert world.value("edge_objects", kind="Ingress") == 12
    assert world.value("edge_objects", kind="Service") == 3
    assert world.value("edge_problems", severity="error", reason="ServiceNotFound") == 2
    assert world.value("edge_problems", severity="warning", reason="PathConflict") == 1


def test_kinds_that_are_not_read_yet_are_told_without_the_reason(world):
    world.state = State(lambda: ("Secret: forbidden", "Service"))
    world.state.commit(Delta(), {"Ingress": 1, "Service": 0})
    assert world.value("edge_kind_synced", kind="Ingress") == 1
    assert world.value("edge_kind_synced", kind="Service") == 0
    assert world.value("edge_kind_synced", kind="Secret") == 0


def test_the_expiry_of_each_certificate_is_told_once(world):
    record = Certificate("shop", "cert", b"", b"", 2e9, "1", "a.example", "Test Authority")
    world.serve(Host(name="a.example"), tls={"c:shop/cert": record})
    labels = {"namespace": "shop", "secret": "cert", "common_name": "a.example"}
    assert world.value("edge_certificate_expiry_timestamp_seconds", **labels) == 2e9


def test_endpoints_are_told_by_service_and_port(world):
    full = ServicePort("shop", "cart", "80", (Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 80)))
    world.serve(endpoints={"shop/cart:80": full, "shop/gone:web": ServicePort("shop", "gone", "web")})
    assert world.value("edge_service_endpoints", namespace="shop", service="cart", port="80") == 2
    assert world.value("edge_service_endpoints", namespace="shop", service="gone", port="web") == 0
    assert world.value("edge_services_without_endpoints") == 1


def test_services_without_endpoints_are_told_first_where_there_are_too_many(world, monkeypatch):
    monkeypatch.setattr(plane, "MOST_SERVICES", 3)
    services = {
        f"shop/{number}:80": ServicePort("shop", f"s{number}", "80", (Endpoint("10.0.0.1", 80),) if number < 8 else ())
        for number in range(10)
    }
    world.serve(endpoints=services)
    assert sorted(world.values("edge_service_endpoints")) == [0, 0, 1]
    assert world.value("edge_services_without_endpoints") == 2


def test_services_without_endpoints_are_all_counted_even_where_not_all_are_told(world, monkeypatch):
    monkeypatch.setattr(plane, "MOST_SERVICES", 3)
    world.serve(endpoints={f"shop/{number}:80": ServicePort("shop", f"s{number}", "80") for number in range(10)})
    assert world.value("edge_services_without_endpoints") == 10


def test_reviews_of_the_webhook_are_counted(world):
    assert world.values("edge_admission_reviews_total") == []
    world.reviews = Reviews()
    world.reviews.add(allowed=True, seconds=0.25)
    world.reviews.add(allowed=False, seconds=0.5)
    world.reviews.add_malformed()
    for verdict in ("allowed", "refused", "malformed"):
        assert world.value("edge_admission_reviews_total", verdict=verdict) == 1
    assert world.value("edge_admission_review_seconds") == 0.5
    assert world.values("nginx_ingress_controller_admission_roundtrip_duration") == [0.5]


def test_leader_readiness_and_draining_are_told(world):
    assert world.values("edge_leader") == []
    world.leads = True
    assert world.value("edge_leader") == 1
    assert world.value("edge_ready") == 0
    world.workers[0].set(WorkerWord.GENERATION, 7)
    assert world.value("edge_ready") == 1
    assert world.value("edge_draining") == 0
    draining.begin(world.directory)
    assert world.value("edge_draining") == 1
    assert world.value("edge_ready") == 0


def test_the_control_plane_tells_what_it_uses(world):
    assert world.value("edge_control_start_time_seconds") == pytest.approx(time.time(), abs=60)
    assert world.value("edge_control_cpu_seconds_total") > 0
    assert world.value("edge_control_resident_memory_bytes") > 1_000_000
    assert world.values("edge_build_info") == [1]
