"""Metrics under the names of ingress-nginx, for its dashboards and alerts."""

import time

import pytest

from edge.control.compiling.delta import Delta
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import error
from edge.control.serving.metrics import nginx_definitions as theirs
from edge.control.translate.endpoints import Fault
from edge.table.counters import WorkerWord
from edge.table.records import GLOBALS, Certificate, Globals, Host, ServerName
from tests.control.serving.metrics.conftest import route
from tests.support.certificates import issue

INSTANCE = {
    "controller_namespace": "ingress",
    "controller_class": "edge.ingress/controller",
    "controller_pod": "edge-0",
}
REQUEST = {*INSTANCE, "namespace", "ingress", "service", "host", "path", "canary", "method", "status"}

OF_DASHBOARDS = {
    "requests": REQUEST,
    "request_duration_seconds_bucket": REQUEST | {"le"},
    "request_duration_seconds_sum": REQUEST,
    "request_duration_seconds_count": REQUEST,
    "response_duration_seconds_bucket": REQUEST | {"le"},
    "response_duration_seconds_sum": REQUEST,
    "request_size_bucket": REQUEST | {"le"},
    "request_size_sum": REQUEST,
    "response_size_bucket": REQUEST | {"le"},
    "response_size_sum": REQUEST,
    "response_size_count": REQUEST,
    "config_hash": {*INSTANCE},
    "config_last_reload_successful": {*INSTANCE},
    "config_last_reload_successful_timestamp_seconds": {*INSTANCE},
    "success": {*INSTANCE},
    "nginx_process_connections": {*INSTANCE, "state"},
    "nginx_process_resident_memory_bytes": {*INSTANCE},
    "nginx_process_cpu_seconds_total": {*INSTANCE},
    "ssl_expire_time_seconds": {*INSTANCE, "namespace", "class", "host", "secret_name", "identifier"},
}


def add_certificate(world, *hosts, namespace="shop", name="cert"):
    pair = issue(*(hosts or ("default.invalid",)), rsa_key=True)
    key = f"c:{namespace}/{name}" if name else "c:"
    record = Certificate(namespace, name, pair.certificate, pair.key, 2e9, str(pair.serial), "leaf", "Test Authority")
    names = {f"h:{host}": ServerName(host, key) for host in hosts}
    world.serve(Host(name="a.example", routes=(route(),)), tls={key: record, **names})
    return pair


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text"], ids=["text", "openmetrics"])
def test_every_name_of_the_official_dashboards_and_alerts_is_there_with_its_labels(world, accept):
    world.count()
    add_certificate(world, "a.example")
    labels = {}
    for name, own in world.scrape(accept):
        labels.setdefault(name, set()).add(frozenset(dict(own)))
    for name, wanted in OF_DASHBOARDS.items():
        assert labels.get(theirs.PREFIX + name) == {frozenset(wanted)}, name


def test_every_name_says_whose_it_is(world):
    world.count()
    add_certificate(world, "a.example")
    for name, own in world.scrape():
        if name.startswith(theirs.PREFIX):
            assert INSTANCE.items() <= dict(own).items(), name


def test_requests_have_no_suffix_and_are_a_counter(world):
    world.count(times=2)
    assert "# TYPE nginx_ingress_controller_requests counter\n" in world.text()
    assert "# TYPE nginx_ingress_controller_success counter\n" in world.text()
    assert "nginx_ingress_controller_requests_total" not in world.text()
    assert "nginx_ingress_controller_requests_created" not in world.text()
    assert (
        world.value(
            "nginx_ingress_controller_requests",
            namespace="shop",
            ingress="web",
            service="cart",
            host="a.example",
            path="/",
            canary="",
            method="GET",
            status="200",
        )
        == 2
    )


def test_the_path_is_the_ingress_s_and_stands_as_it_is_written(world):
    odd = route('/a"b\\c')
    world.serve(Host(name="*.example", routes=(odd,)))
    world.count("*.example", odd)
    assert world.value("nginx_ingress_controller_requests", path='/a"b\\c', host="*.example") == 1


def test_requests_that_no_ingress_takes_have_no_series_with_a_host(world):
    """Where the default backend is a route: requests for hosts that scanners make up are no errors of an Ingress."""
    default = route("/", ingress="")
    world.state.commit(Delta(routes={GLOBALS: Globals(default=default)}), {})
    world.count()
    world.count("", default, status=404, times=3)
    requests = "nginx_ingress_controller_requests"
    assert world.values(requests) == [1]
    assert world.value("edge_requests_total", ingress="", status="404") == 3
    world.settings = world.settings.with_(metrics_per_host=False)
    assert world.value(requests, ingress="", status="404") == 3


def test_connections_and_processes_are_sums(world):
    for worker in world.workers:
        worker.set(WorkerWord.CONNECTIONS_ACTIVE, 5)
        worker.set(WorkerWord.CONNECTIONS_WAITING, 2)
        worker.set(WorkerWord.CONNECTIONS_WRITING, 1)
        worker.set(WorkerWord.CONNECTIONS_UPGRADED, 2)
        worker.add(WorkerWord.CONNECTIONS_ACCEPTED, 9)
        worker.add(WorkerWord.CONNECTIONS_HANDLED, 8)
    world.workers[0].add(WorkerWord.UNMATCHED, 4)
    world.count()
    name = "nginx_ingress_controller_nginx_process_connections"
    assert world.value(name, state="active") == 10
    assert world.value(name, state="waiting") == 4
    assert world.value(name, state="writing") == 6, "what is upgraded is writing to nginx"
    assert world.value(f"{name}_total", state="accepted") == 18
    assert world.value(f"{name}_total", state="handled") == 16
    assert world.value("nginx_ingress_controller_nginx_process_requests_total") == 5
    assert world.value("nginx_ingress_controller_nginx_process_num_procs") == 2
    assert world.value("nginx_ingress_controller_nginx_process_oldest_start_time_seconds") == pytest.approx(
        time.time(), abs=60
    )


def test_a_change_of_the_table_is_a_reload(world):
    assert world.value("nginx_ingress_controller_config_last_reload_successful") == 1
    assert world.value("nginx_ingress_controller_config_last_reload_successful_timestamp_seconds") == 1.7e9
    before = world.value("nginx_ingress_controller_config_hash")
    world.state.generation += 1
    world.state.publications += 1
    world.state.reroutings += 1
    assert world.value("nginx_ingress_controller_config_hash") != before
    assert world.value("nginx_ingress_controller_success") == 1
    world.state.failure, world.state.failures = "no space left", 1
    assert world.value("nginx_ingress_controller_config_last_reload_successful") == 0
    assert world.value("nginx_ingress_controller_errors") == 1


def test_a_certificate_is_told_for_each_of_its_hosts(world):
    pair = add_certificate(world, "a.example", "*.b.example")
    for host in ("a.example", "*.b.example"):
        labels = {"host": host, "namespace": "shop", "secret_name": "shop/cert", "class": "edge"}
        assert world.value("nginx_ingress_controller_ssl_expire_time_seconds", **labels) == 2e9
        assert world.value(
            "nginx_ingress_controller_ssl_certificate_info",
            **labels,
            issuer_common_name="Test Authority",
            serial_number=str(pair.serial),
            public_key_algorithm="RSA",
        )


def test_the_default_certificate_has_the_host_that_alerts_leave_out(world):
    add_certificate(world, namespace="", name="")
    assert world.value("nginx_ingress_controller_ssl_expire_time_seconds", host="_") == 2e9


def test_ingresses_that_lead_nowhere_are_orphans(world):
    world.serve(
        Host(
            name="a.example",
            routes=(
                route("/missing", ingress="one", key="shop/missing:80"),
                route("/empty", ingress="two", key="shop/empty:80"),
                route("/resource", ingress="three", key="", status=404),
                route("/well", ingress="four"),
            ),
        ),
        problems={ObjectId("Ingress", "shop", "one"): ("uid", (error(Fault.MISSING_SERVICE, "spec", "gone"),))},
    )
    name = "nginx_ingress_controller_orphan_ingress"
    assert world.value(name, namespace="shop", ingress="one", type="no-service") == 1
    assert world.value(name, namespace="shop", ingress="two", type="no-endpoint") == 1
    assert len(world.values(name)) == 2


def test_the_leader_is_told_where_there_is_an_election(world):
    status = (
        "nginx_ingress_controller_leader_election_status",
        frozenset((INSTANCE | {"name": "edge-ingress-leader"}).items()),
    )
    assert status not in world.scrape()
    world.leads = True
    assert world.scrape()[status] == 1
    world.leads = False
    assert world.scrape()[status] == 0


def test_one_metric_can_be_left_out_and_all_can(world):
    world.count()
    world.settings = world.settings.with_(exclude_socket_metrics=("response_size", "bytes_sent"))
    names = {name for name, _ in world.scrape()}
    assert "nginx_ingress_controller_response_size_sum" not in names
    assert "nginx_ingress_controller_request_size_sum" in names
    world.settings = world.settings.with_(nginx_metrics=False)
    names = {name for name, _ in world.scrape()}
    assert not any(name.startswith("nginx_") for name in names)
    assert "edge_requests_total" in names


def test_an_instance_outside_a_cluster_is_named_by_its_host(world, monkeypatch):
    world.environment = {}
    monkeypatch.setattr("socket.gethostname", lambda: "laptop")
    assert world.value("nginx_ingress_controller_config_hash", controller_pod="laptop", controller_namespace="") == 7
