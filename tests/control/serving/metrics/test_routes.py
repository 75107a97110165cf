"""Metrics per route."""

import msgspec
import pytest

from edge.control.compiling.delta import Delta
from edge.table.counter_layout import code_of, labels_of
from edge.table.counters import WorkerCounters, WorkerWord
from edge.table.records import GLOBALS, Backend, Globals, Host, Owner
from tests.control.serving.metrics.conftest import route

OURS = {"namespace": "shop", "ingress": "web", "service": "cart"}


def test_requests_are_told_by_route_method_status_and_class(world):
    world.count(times=3)
    world.count(method=b"POST", status=503)
    assert world.value("edge_requests_total", **OURS, method="GET", status="200", status_class="2xx") == 3
    assert world.value("edge_requests_total", **OURS, method="POST", status="503", status_class="5xx") == 1


def test_calls_of_grpc_are_told_by_their_status_too(world):
    world.count(method=b"POST", status=code_of(200, 0), times=3)
    world.count(method=b"POST", status=code_of(200, 5))
    world.count(method=b"POST", status=code_of(503, 14))
    world.count()
    assert [world.value("edge_grpc_calls_total", **OURS, grpc_status=status) for status in ("0", "5", "14")] == [
        3,
        1,
        1,
    ]
    assert world.value("edge_requests_total", **OURS, method="POST", status="200", status_class="2xx") == 4
    assert world.value("edge_requests_total", **OURS, method="POST", status="503", status_class="5xx") == 1
    by_class = world.reader.durations()
    assert (sum(by_class[2]), sum(by_class[5])) == (5, 1)


def test_an_ingress_and_an_httproute_of_one_name_are_two_routes(world):
    other = msgspec.structs.replace(route("/b"), owner=Owner("HTTPRoute", "shop", "web"))
    world.serve(Host(name="a.example", routes=(route("/a"), other)))
    world.count(the_route=route("/a"))
    world.count(the_route=other, times=2)
    assert world.value("edge_requests_total", **OURS, kind="Ingress") == 1
    assert world.value("edge_requests_total", **OURS, kind="HTTPRoute") == 2


def test_requests_of_all_workers_are_summed(world):
    world.count(worker=0)
    world.count(worker=1, times=2)
    assert world.value("edge_requests_total", **OURS) == 3


def test_times_and_sizes_are_histograms_in_base_units(world):
    world.count(times=4)
    assert world.value("edge_request_duration_seconds_sum", **OURS) == pytest.approx(0.12)
    assert world.value("edge_upstream_duration_seconds_sum", **OURS) == pytest.approx(0.08)
    assert world.value("edge_request_size_bytes_sum", **OURS) == 600
    assert world.value("edge_response_size_bytes_sum", **OURS) == 20_000
    for name in ("edge_request_duration_seconds", "edge_response_size_bytes"):
        assert world.value(f"{name}_count", **OURS) == 4
        assert world.value(f"{name}_bucket", **OURS, le="+Inf") == 4
    assert world.value("edge_request_duration_seconds_bucket", **OURS, le="0.025") == 0
    assert world.value("edge_request_duration_seconds_bucket", **OURS, le="0.05") == 4
    assert world.value("edge_response_size_bytes_bucket", **OURS, le="10000.0") == 4


def test_requests_that_asked_no_endpoint_have_no_upstream_duration(world):
    one = route()
    world.workers[0].series(labels_of("a.example", one, one.backends[0]), b"GET", 308).record(0.001, -1, 100, 100)
    assert world.value("edge_request_duration_seconds_count", **OURS, status_class="3xx") == 1
    assert world.values("edge_upstream_duration_seconds_count", status_class="3xx") == []


def test_routes_without_backends_are_counted(world):
    """A policy answers all their requests."""
    one = msgspec.structs.replace(route(), backends=())
    world.serve(Host(name="a.example", routes=(one,)))
    world.workers[0].series(labels_of("a.example", one, Backend()), b"GET", 302).record(0.001, -1, 100, 100)
    assert world.value("edge_requests_total", ingress="web", service="", status="302") == 1


def test_paths_of_one_service_are_one_series_of_ours_and_several_of_ingress_nginx(world):
    world.serve(Host(name="a.example", routes=(route("/a"), route("/b"))))
    world.count(the_route=route("/a"))
    world.count(the_route=route("/b"))
    assert world.value("edge_requests_total", **OURS) == 2
    assert len(world.values("nginx_ingress_controller_requests")) == 2


def test_a_route_that_is_gone_is_told_no_more_and_its_requests_stay_in_the_sum(world):
    world.count()
    before = world.value("nginx_ingress_controller_nginx_process_requests_total")
    world.remove("a.example")
    names = {name for name, _ in world.scrape()}
    assert not {name for name in names if name.startswith("edge_request_duration") or name == "edge_requests_total"}
    assert world.value("nginx_ingress_controller_nginx_process_requests_total") == before == 1
    world.workers[0].reclaim(lambda _: False)
    assert world.value("nginx_ingress_controller_nginx_process_requests_total") == 1


def test_a_route_that_comes_back_goes_on(world):
    world.count(times=5)
    world.remove("a.example")
    world.serve(Host(name="a.example", routes=(route(),)))
    world.count()
    assert world.value("edge_requests_total", **OURS) == 6


def test_default_backends_have_metrics_too(world):
    of_host, of_process = route("/", ingress="host-default"), route("/", ingress="")
    world.serve(
        Host(name="b.example", default=of_host),
        endpoints={},
    )
    world.state.commit(Delta(routes={GLOBALS: Globals(default=of_process)}), {})
    world.count("b.example", of_host)
    world.count("", of_process)
    assert world.value("edge_requests_total", ingress="host-default") == 1
    assert world.value("edge_requests_total", ingress="") == 1


def test_routes_of_an_earlier_control_plane_are_told_until_there_is_a_table_of_this_one(world):
    world.count("elsewhere.example")
    assert world.values("edge_requests_total") == []
    world.state.own_table = False
    assert world.value("edge_requests_total", **OURS) == 1


def test_a_worker_that_was_replaced_takes_nothing_away(world):
    world.count(times=10)
    world.workers[0].add(WorkerWord.RETRIES, 3)
    world.workers[0].close()
    assert world.value("edge_requests_total", **OURS) == 10
    world.workers[0] = WorkerCounters(world.directory)
    world.count()
    assert world.value("edge_requests_total", **OURS) == 11
    assert world.value("edge_upstream_retries_total") == 3


def test_routes_above_the_bound_are_told_together(world):
    world.workers[0].close()
    world.workers[0] = WorkerCounters(world.directory, bound=5)
    routes = [route(f"/{number}", ingress=f"web-{number}") for number in range(20)]
    world.serve(Host(name="a.example", routes=tuple(routes)))
    for each in routes:
        world.count(the_route=each)
    assert len(world.values("edge_requests_total")) == 6
    assert world.value("edge_requests_total", namespace="_other", ingress="_other", service="_other") == 15
    assert world.value("edge_route_series_folded_total") == 15


def test_methods_that_clients_make_up_are_one(world):
    world.count(method=b"BREW")
    world.count(method=b"X" * 200)
    assert world.value("edge_requests_total", method="OTHER") == 2


def test_statuses_can_be_told_as_classes(world):
    world.settings = world.settings.with_(report_status_classes=True)
    world.count(status=200)
    world.count(status=204)
    assert world.value("edge_requests_total", status="2xx") == 2
    assert world.value("nginx_ingress_controller_requests", status="2xx") == 2


def test_hosts_can_be_left_out_of_the_metrics_of_ingress_nginx(world):
    world.serve(Host(name="a.example", routes=(route(),)), Host(name="b.example", routes=(route(),)))
    world.count("a.example")
    world.count("b.example")
    assert len(world.values("nginx_ingress_controller_requests")) == 2
    world.settings = world.settings.with_(metrics_per_host=False)
    assert world.value("nginx_ingress_controller_requests") == 2
    assert "host=" not in "".join(line for line in world.text().splitlines() if "_controller_requests{" in line)
