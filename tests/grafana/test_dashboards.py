"""Every panel of the dashboards shows something: each of its queries is put to a real Prometheus that scrapes Edge."""

import json
import math
import re
import runpy
import sys

import pytest

from tests.support.prometheus import RATE_INTERVAL
from tests.support.rendering import FILES, ROOT
from tests.support.waiting import eventually

FOLDER = ROOT / "grafana"
BOARDS = ("edge-overview.json", "edge-ingress.json")
VARIABLES = {"namespace": "demo", "ingress": "shop|news", "instance": ".*", "__rate_interval": RATE_INTERVAL}


def board(name):
    return json.loads((FILES / name).read_text())


def panels(name):
    """All panels of a dashboard, those of rows too."""
    for panel in board(name)["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", ())


QUERIES = [
    pytest.param(target["expr"], id=f"{name.removesuffix('.json')}-{panel['title']}-{number}")
    for name in BOARDS
    for panel in panels(name)
    for number, target in enumerate(panel["targets"])
]


def substituted(expression):
    """EXPRESSION with what Grafana would put for its variables."""
    found = re.sub(r"\$\{?(\w+)\}?", lambda match: VARIABLES[match[1]], expression)
    assert "$" not in found
    return found


def test_the_files_are_in_step_with_their_definitions(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    try:
        generated = runpy.run_path(str(FOLDER / "generate.py"))["files"]()
    finally:
        for name in ("ingress", "overview", "panels"):
            sys.modules.pop(name, None)
    for path, text in generated.items():
        assert path.read_text() == text, f"{path.name}: run `make dashboards`"


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_one_that_grafana_can_take(name):
    found = board(name)
    assert found["uid"]
    assert found["title"].startswith("Edge / ")
    assert {"datasource", "namespace", "ingress"} <= {one["name"] for one in found["templating"]["list"]}
    for panel in panels(name):
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["title"]
        assert panel["description"]
        assert panel["type"] in ("table", "heatmap") or panel["fieldConfig"]["defaults"]["unit"]


def test_panels_do_not_lie_on_each_other():
    for name in BOARDS:
        taken = set()
        for panel in panels(name):
            place = panel["gridPos"]
            cells = {
                (place["x"] + column, place["y"] + row) for column in range(place["w"]) for row in range(place["h"])
            }
            assert not cells & taken, panel["title"]
            assert place["x"] + place["w"] <= 24
            taken |= cells


@pytest.mark.parametrize("expression", QUERIES)
def test_a_query_gives_data(world, expression):
    found = eventually(lambda: world.prometheus.query(substituted(expression)), timeout=40, message=expression)
    assert any(math.isfinite(value) for _, value in found), found


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("edge-overview.json", "namespace", "demo"),
        ("edge-overview.json", "ingress", "shop"),
        ("edge-overview.json", "instance", None),
        ("edge-ingress.json", "namespace", "demo"),
        ("edge-ingress.json", "ingress", "news"),
    ],
)
def test_a_variable_offers_what_there_is(world, name, variable, value):
    found = next(one for one in board(name)["templating"]["list"] if one["name"] == variable)
    query = re.fullmatch(r"label_values\((.+), (\w+)\)", found["query"])
    offered = {labels.get(query[2]) for labels, _ in world.prometheus.query(substituted(query[1]))}
    assert (value or f"127.0.0.1:{world.edge.admin}") in offered


@pytest.mark.parametrize(
    "metric",
    [
        'edge_requests_total{service="cart", status_class="2xx"}',
        'edge_requests_total{ingress="shop", method="POST"}',
        'edge_requests_total{ingress="shop", status="404"}',
        "edge_unmatched_requests_total",
        "edge_bad_requests_total",
        "edge_tls_handshakes_total",
        "edge_tls_handshake_failures_total",
        "edge_upstream_connect_failures_total",
        "edge_upstream_retries_total",
        "edge_upstream_ejections_total",
    ],
)
def test_what_happens_is_counted(world, metric):
    found = eventually(lambda: world.prometheus.query(f"{metric} > 0"), timeout=40, message=metric)
    assert found
