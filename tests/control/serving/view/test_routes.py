"""The routes of the table as the admin port shows them."""

import json

import pytest
import yaml

from edge.control.serving.view import traffic
from edge.table.counter_layout import labels_of
from tests.support import gateway, objects
from tests.support.admin import Admin

LIMITED = {"nginx.ingress.kubernetes.io/limit-rps": "50"}


@pytest.fixture
def admin(tmp_path):
    with Admin(tmp_path) as admin:
        admin.apply(
            objects.ingress(annotations=LIMITED),
            objects.service(),
            objects.endpoints("web", "10.0.0.1", "10.0.0.2"),
            objects.ingress("shop", host="shop.example", service="cart", namespace="shop"),
        )
        yield admin


def names(answer):
    return [row["host"] for row in answer["routes"]]


def count(admin, host, status, times, seconds=0.02):
    """Have the worker count requests of the first route of HOST."""
    record = next(one for one in admin.state.hosts() if one.name == host)
    route = record.routes[0]
    series = admin.worker.series(labels_of(host, route, route.backends[0]), b"GET", status)
    for _ in range(times):
        series.record(seconds, seconds, 1, 1)


def test_a_row_says_where_requests_go_and_whose_route_it_is(admin):
    [row] = admin.get("/api/routes?search=web.example")["routes"]
    assert (row["host"], row["path"], row["type"]) == ("web.example", "/", "Prefix")
    assert row["owner"] == {"kind": "Ingress", "namespace": "demo", "name": "web"}
    [backend] = row["backends"]
    assert (backend["service"], backend["port"], backend["weight"], backend["endpoints"]) == ("web", "80", 1, 2)
    assert "ClientLimits" in row["policies"]


def test_hosts_are_in_order_and_may_be_read_in_parts(admin):
    whole = admin.get("/api/routes")
    assert names(whole) == ["shop.example", "web.example"]
    assert (whole["all"], whole["total"], whole["generation"]) == (2, 2, admin.state.generation)
    part = admin.get("/api/routes?limit=1&offset=1")
    assert (names(part), part["total"], part["offset"], part["limit"]) == (["web.example"], 2, 1, 1)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("WEB", ["web.example"]),
        ("shop/cart", ["shop.example"]),
        ("clientlimits", ["web.example"]),
        ("example+prefix", ["shop.example", "web.example"]),
        ("example+cart+ingress", ["shop.example"]),
        ("cart+web.example", []),
    ],
)
def test_a_search_is_for_all_words_in_any_case(admin, search, found):
    assert names(admin.get(f"/api/routes?search={search}")) == found


def test_a_search_has_so_many_words_and_no_more(admin):
    assert admin.request(f"/api/routes?search={'+'.join('w' * 32)}")[0] == 200
    found, _, body = admin.request(f"/api/routes?search={'+'.join('w' * 33)}")
    assert (found, json.loads(body)) == (400, {"error": "search: has more than 32 words"})


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("limit=501", "limit"),
        ("offset=-1", "offset"),
        ("sort=name", "sort"),
        ("serch=x", "serch"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(admin, query, word):
    assert word in admin.get(f"/api/routes?{query}", 400)["error"]


def test_a_change_is_seen_and_ids_stay(admin):
    before = {row["host"]: row["id"] for row in admin.get("/api/routes")["routes"]}
    admin.apply(objects.ingress("new", host="new.example"))
    admin.delete("Ingress", "shop", "shop")
    after = {row["host"]: row["id"] for row in admin.get("/api/routes")["routes"]}
    assert set(after) == {"new.example", "web.example"}
    assert after["web.example"] == before["web.example"]
    assert admin.get(f"/api/routes/{before['shop.example']}", 404)["error"]


def test_rates_come_with_the_second_answer(admin, monkeypatch):
    monkeypatch.setattr(traffic, "SHORTEST", 0.0)
    first = admin.get("/api/routes")
    assert first["window"] is None
    assert all(row["rate"] is None for row in first["routes"])
    count(admin, "web.example", 200, 75)
    count(admin, "web.example", 502, 25)
    second = admin.get("/api/routes?sort=rate")
    assert names(second) == ["web.example", "shop.example"]
    busy, idle = second["routes"]
    assert busy["rate"] > 0
    assert second["window"] > 0
    assert busy["error_ratio"] == 0.25
    assert 0.01 < busy["p50"] <= 0.025
    assert (idle["rate"], idle["error_ratio"], idle["p99"]) == (0.0, None, None)


def test_a_route_shows_endpoints_policies_traffic_and_its_object(admin, monkeypatch):
    monkeypatch.setattr(traffic, "SHORTEST", 0.0)
    [row] = admin.get("/api/routes?search=web.example")["routes"]
    count(admin, "web.example", 200, 3)
    shown = admin.get(f"/api/routes/{row['id']}")
    assert shown["host"] == "web.example"
    assert [one["address"] for one in shown["backends"][0]["addresses"]] == ["10.0.0.1:8080", "10.0.0.2:8080"]
    limits = next(one for one in shown["details"] if one["name"] == "ClientLimits")
    assert limits["source"] == 'metadata.annotations["nginx.ingress.kubernetes.io/limit-rps"]'
    assert "50" in limits["summary"]
    assert [(one["method"], one["status"], one["total"]) for one in shown["traffic"]] == [("GET", 200, 3)]
    document = yaml.safe_load(shown["yaml"])
    assert (document["apiVersion"], document["kind"]) == ("networking.k8s.io/v1", "Ingress")
    assert document["metadata"] == {"name": "web", "namespace": "demo", "annotations": LIMITED}
    assert document["spec"]["rules"][0]["host"] == "web.example"


def test_the_object_of_a_route_has_zeros_that_are_not_the_default(admin):
    admin.apply(
        gateway.gateway_class(),
        gateway.gateway(),
        gateway.route({"backendRefs": [{"name": "web", "port": 80, "weight": 0}]}, hosts=("zero.example",)),
    )
    [row] = admin.get("/api/routes?search=zero.example")["routes"]
    document = yaml.safe_load(admin.get(f"/api/routes/{row['id']}")["yaml"])
    assert document["spec"]["rules"][0]["backendRefs"] == [{"name": "web", "port": 80, "weight": 0}]


def test_a_route_names_the_problems_of_its_owner(admin):
    [row] = admin.get("/api/routes?search=shop.example")["routes"]
    assert row["problems"] == 1
    [report] = admin.get(f"/api/routes/{row['id']}")["reports"]
    assert (report["severity"], report["object"]["name"]) == ("error", "shop")
    assert "cart" in report["message"]


def test_markup_in_names_is_data(admin):
    markup = "<script>alert(1)</script>"
    admin.apply(objects.ingress("odd", host="odd.example", annotations={"note": markup}))
    [row] = admin.get("/api/routes?search=odd")["routes"]
    status, headers, body = admin.request(f"/api/routes/{row['id']}")
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert markup in yaml.safe_load(admin.get(f"/api/routes/{row['id']}")["yaml"])["metadata"]["annotations"]["note"]
    assert body


def test_a_route_of_a_flag_belongs_to_nobody(tmp_path):
    with Admin(tmp_path, default_backend_service="demo/web") as admin:
        admin.apply(objects.service(), objects.endpoints("web", "10.0.0.1"))
        [row] = admin.get("/api/routes")["routes"]
        assert (row["host"], row["path"], row["type"], row["owner"]["kind"]) == ("", "", "Default", "")
        assert admin.get(f"/api/routes/{row['id']}")["yaml"] == ""


def test_routes_of_one_host_are_in_the_order_in_which_they_are_tried(admin):
    manifest = objects.ingress("many", host="many.example")
    backend = manifest["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    manifest["spec"]["rules"][0]["http"]["paths"] = [
        {"path": path, "pathType": kind, "backend": backend}
        for path, kind in (("/", "Prefix"), ("/a", "Prefix"), ("/a", "Exact"))
    ]
    admin.apply(manifest)
    rows = admin.get("/api/routes?search=many.example")["routes"]
    assert [(row["type"], row["path"]) for row in rows] == [("Exact", "/a"), ("Prefix", "/a"), ("Prefix", "/")]
    assert len({row["id"] for row in rows}) == 3
