"""The text that a scraper gets."""

import re
import shutil
import subprocess

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from edge.control.compiling.delta import Delta
from edge.control.serving.admission.reviews import Reviews
from edge.control.serving.metrics import definitions, exposition, nginx_definitions, series
from edge.control.serving.metrics.exposition import negotiate, render
from edge.control.serving.metrics.series import PIECE, SeriesFamily
from edge.table.counter_layout import code_of, stream_labels
from edge.table.records import Backend, Certificate, Endpoint, Host, Owner, ServicePort
from edge.table.streams import StreamRoute
from tests.control.serving.metrics.conftest import OPENMETRICS, route, samples

SECTIONS = (
    definitions.ROUTES,
    definitions.STREAMS,
    definitions.TRAFFIC,
    definitions.PROCESSES,
    definitions.CONTROL,
    nginx_definitions.NGINX,
)
DEFINITIONS = {one.name: one for section in SECTIONS for one in section.definitions}
NOW = ("heartbeat_age", "cpu_seconds", "memory_bytes")
"""What is not the same twice."""


@pytest.fixture
def full(world):
    """A world in which every metric has something to tell."""
    world.leads, world.reviews = True, Reviews()
    world.reviews.add(allowed=True, seconds=0.001)
    routes = (route(), route('/odd"\\'), route("/missing", ingress="orphan", key="shop/missing:80"))
    record = Certificate("shop", "cert", b"", b"", 2e9, "1", "a.example", "Test Authority")
    world.serve(Host(name="a.example", routes=routes), tls={"c:shop/cert": record})
    for each in routes:
        world.count(the_route=each, times=3)
    world.count(method=b"POST", status=code_of(200, 0))
    backend = Backend("shop", "db", "5432")
    stream = StreamRoute(Owner("ConfigMap", "edge", "tcp"), (backend,))
    world.state.commit(Delta({"s:tcp:9000": stream}), {})
    world.workers[0].sessions(stream_labels("s:tcp:9000", stream, backend), "tcp", 200).record(1.0, 0.1, 10, 20)
    return world


def steady(text, *, openmetrics=False):
    """The samples in TEXT, without what is not the same twice."""
    found = samples(text, openmetrics=openmetrics)
    return {key: value for key, value in found.items() if not any(word in key[0] for word in NOW)}


def test_the_compiled_text_says_the_same_as_the_library(full):
    ours, theirs = full.text(), generate_latest(full.collector).decode()
    assert steady(ours) == steady(theirs)
    assert types(ours) == types(theirs.replace(" untyped\n", " counter\n"))


def test_the_compiled_openmetrics_say_the_same_as_the_library(full):
    ours, theirs = full.text(OPENMETRICS), generate_openmetrics(full.collector).decode()
    assert steady(ours, openmetrics=True) == steady(theirs, openmetrics=True)
    assert types(ours) == types(theirs)


def test_text_and_openmetrics_have_the_same_names_and_values(full):
    assert steady(full.text()) == steady(full.text(OPENMETRICS), openmetrics=True)


def types(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


def test_the_text_has_the_types_and_texts_of_the_definitions(full):
    text = full.text()
    assert types(text) == {name: one.kind for name, one in DEFINITIONS.items()}
    assert dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE)) == {
        name: one.text for name, one in DEFINITIONS.items()
    }


def test_every_metric_has_the_labels_of_its_definition(full):
    full.serve(endpoints={"shop/cart:80": ServicePort("shop", "cart", "80", (Endpoint("10.0.0.1", 80),))})
    seen = set()
    for name, own in full.scrape():
        base = name if name in DEFINITIONS else re.sub("_(bucket|count|sum)$", "", name)
        assert set(dict(own)) - {"le"} == set(DEFINITIONS[base].labels), name
        seen.add(base)
    assert set(DEFINITIONS) - seen <= {"edge_problems"}


def test_names_end_as_prometheus_wants_it():
    for one in DEFINITIONS.values():
        if one.name.startswith("edge_"):
            assert (one.kind == "counter") == one.name.endswith("_total"), one.name
        assert one.bare or one.kind != "counter" or one.name.endswith("_total"), one.name
        assert one.text.endswith("."), one.name


def test_more_series_than_a_piece_holds_are_all_written(world, monkeypatch):
    for module in (series, exposition):
        monkeypatch.setattr(module, "PIECE", 10)
    number = 23
    routes = tuple(route(f"/{each}", ingress=f"web-{each}") for each in range(number))
    endpoints = {f"shop/{each}:80": ServicePort("shop", f"s{each}", "80") for each in range(number)}
    world.serve(Host(name="a.example", routes=routes), endpoints=endpoints)
    for each in routes:
        world.count(the_route=each)
    for accept in ("", OPENMETRICS):
        scrape = world.scrape(accept)
        for name in ("edge_requests_total", "edge_request_duration_seconds_count"):
            assert sum(found == name for found, _ in scrape) == number
        assert sum(found == "edge_service_endpoints" for found, _ in scrape) == number + 1
        assert world.text(accept).count("# TYPE edge_service_endpoints ") == 1


def test_pieces_are_small_however_many_series_there_are(world):
    routes = tuple(route(f"/{each}", ingress=f"web-{each}") for each in range(3 * PIECE))
    world.serve(Host(name="a.example", routes=routes))
    for each in routes:
        world.count(the_route=each)
    pieces = list(render(world.collector, "")[1])
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 5


def test_without_any_request_there_are_only_names(world):
    families = [family for family in world.collector.families() if isinstance(family, SeriesFamily)]
    assert len(families) == 16
    for family in families:
        assert b"".join(family.text(openmetrics=False)).count(b"\n") == 2
        assert family.metric().samples == []


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,text/plain;version=0.0.4;q=0.3",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=dots",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(world, accept, content_type):
    found, pieces = render(world.collector, accept)
    text = b"".join(pieces)
    assert found == content_type
    assert text.endswith(b"# EOF\n") == negotiate(accept)[2] == found.startswith("application/openmetrics")
    assert text.count(b"# EOF") == text.endswith(b"# EOF\n")


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_nothing_wrong_with_our_names(full):
    full.settings = full.settings.with_(nginx_metrics=False)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=full.text().encode(), capture_output=True, check=False, timeout=40
    )
    assert (checked.stdout, checked.stderr, checked.returncode) == (b"", b"", 0)


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_can_read_the_names_of_ingress_nginx(full):
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=full.text().encode(), capture_output=True, check=False, timeout=40
    )
    complaints = checked.stderr.decode().splitlines()
    assert not any("error while linting" in line or line.startswith("edge_") for line in complaints)
    assert all(line.startswith("nginx_ingress_controller_") for line in complaints)
