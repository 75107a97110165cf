"""Traces: a client's traceparent is passed on; with --enable-opentelemetry Edge takes part and sends its spans."""

import contextlib
import re
import socket

import pytest

from tests.support import objects
from tests.support.annotated import annotated
from tests.support.backends import Backend
from tests.support.collector import Collector, values_of
from tests.support.edge import Edge, write

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@contextlib.contextmanager
def serving(folder, *flags, **annotations):
    with Backend() as backend:
        write(
            folder,
            "web.yaml",
            objects.ingress_class(),
            objects.ingress(annotations=annotated(**annotations)),
            objects.service(),
            objects.endpoints("web", "127.0.0.1", port=backend.port),
        )
        with Edge(folder, *flags) as edge:
            yield edge


@pytest.fixture(scope="module")
def collector():
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def traced(collector, tmp_path_factory):
    flags = ("--enable-opentelemetry", f"--otlp-endpoint={collector.url}", "--otel-sampler-ratio=1")
    with serving(tmp_path_factory.mktemp("manifests"), *flags) as edge:
        yield edge


def parents(response):
    """The values of traceparent that the endpoint got, and of tracestate."""
    fields = response.json()["headers"]
    return tuple(
        [value for name, value in fields if name.lower() == wanted] for wanted in ("traceparent", "tracestate")
    )


def sampled(traceparent):
    """Whether its flag says so (Trace Context, section 3.2.2.5.1)."""
    return bool(int(traceparent.rpartition("-")[2], 16) & 1)


def test_without_tracing_a_traceparent_is_passed_on_and_none_is_made(tmp_path):
    with serving(tmp_path) as edge:
        given = f"00-{TRACE}-{PARENT}-01"
        assert parents(edge.get("/", fields=[("traceparent", given), ("tracestate", "a=b")])) == ([given], ["a=b"])
        assert parents(edge.get("/")) == ([], [])


def test_a_request_without_a_trace_begins_one(traced, collector):
    response = traced.get("/cart?id=1", fields=[("User-Agent", "test")])
    (given,), _ = parents(response)
    trace, span, flags = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", given).groups()
    assert int(flags, 16) & 1
    found = collector.of(trace)
    assert found.span_id.hex() == span
    assert not found.parent_span_id
    assert found.end_time_unix_nano > found.start_time_unix_nano
    attributes = values_of(found.attributes)
    assert attributes["http.request.method"] == "GET"
    assert attributes["url.path"] == "/cart"
    assert attributes["url.query"] == "id=1"
    assert attributes["http.route"] == "/"
    assert attributes["http.response.status_code"] == 200
    assert attributes["user_agent.original"] == "test"
    assert attributes["edge.ingress"] == "web"
    assert ["X-Request-ID", attributes["edge.request_id"]] in response.json()["headers"]
    assert attributes["edge.endpoint"].startswith("127.0.0.1:")
    assert "edge" in {one["service.name"] for one in collector.resources}


def test_a_trace_of_the_client_goes_on(traced, collector):
    trace = "11f7651916cd43dd8448eb211c80319c"
    response = traced.get("/", fields=[("traceparent", f"00-{trace}-{PARENT}-01"), ("tracestate", "vendor=x")])
    (given,), states = parents(response)
    found = collector.of(trace)
    assert found.parent_span_id.hex() == PARENT
    assert given.startswith(f"00-{trace}-{found.span_id.hex()}-")
    assert sampled(given)
    assert states == ["vendor=x"]


def test_what_the_client_left_out_is_left_out(traced, collector):
    left_out, taken = "22f7651916cd43dd8448eb211c80319c", "33f7651916cd43dd8448eb211c80319c"
    (given,), _ = parents(traced.get("/", fields=[("traceparent", f"00-{left_out}-{PARENT}-00")]))
    assert given.startswith(f"00-{left_out}-")
    assert not sampled(given)
    traced.get("/", fields=[("traceparent", f"00-{taken}-{PARENT}-01")])
    collector.of(taken)
    assert left_out not in {span.trace_id.hex() for span in collector.spans}


@pytest.mark.parametrize(
    "values",
    [
        ["nonsense", "more"],
        [f"ff-{TRACE}-{PARENT}-01"],
        [f"00-{TRACE.upper()}-{PARENT}-01"],
        [f"00-{'0' * 32}-{PARENT}-01"],
        [f"00-{TRACE}-{'0' * 16}-01"],
        [f"00-{TRACE}-{PARENT}-01-more"],
    ],
    ids="|".join,
)
def test_a_traceparent_that_is_none_begins_a_new_trace_without_its_state(traced, values):
    fields = [("traceparent", value) for value in values]
    (given,), states = parents(traced.get("/", fields=[*fields, ("tracestate", "a=b")]))
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", given)
    assert TRACE not in given
    assert sampled(given)
    assert not states


def test_a_traceparent_of_a_later_version_is_understood_as_far_as_this_one_goes(traced):
    (given,), _ = parents(traced.get("/", fields=[("traceparent", f"cc-{TRACE}-{PARENT}-01-what-is-to-come")]))
    assert given.startswith(f"00-{TRACE}-")


def test_an_error_is_marked_and_a_request_without_route_has_a_span_too(traced, collector):
    failing, lost = "44f7651916cd43dd8448eb211c80319c", "55f7651916cd43dd8448eb211c80319c"
    traced.get("/status/503", fields=[("traceparent", f"00-{failing}-{PARENT}-01")])
    traced.get("/", host="nobody.example", fields=[("traceparent", f"00-{lost}-{PARENT}-01")])
    found = collector.of(failing)
    assert found.status.code == 2
    assert values_of(found.attributes)["http.response.status_code"] == 503
    assert values_of(collector.of(lost).attributes)["http.response.status_code"] == 404


def test_a_client_that_is_not_trusted_gets_a_trace_of_its_own(collector, tmp_path):
    flags = ("--enable-opentelemetry", f"--otlp-endpoint={collector.url}", "--otel-sampler-ratio=0")
    with serving(tmp_path, *flags, "--no-opentelemetry-trust-incoming-span") as edge:
        (given,), states = parents(
            edge.get("/", fields=[("traceparent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "a=b")])
        )
        assert TRACE not in given
        assert not sampled(given)
        assert not states


def test_an_ingress_can_be_left_out(collector, tmp_path):
    flags = ("--enable-opentelemetry", f"--otlp-endpoint={collector.url}", "--otel-sampler-ratio=1")
    with serving(tmp_path, *flags, enable_opentelemetry="false") as edge:
        given = f"00-{TRACE}-{PARENT}-01"
        assert parents(edge.get("/", fields=[("traceparent", given), ("tracestate", "a=b")])) == ([given], ["a=b"])
        assert parents(edge.get("/")) == ([], [])


def test_an_ingress_can_have_names_and_traces_of_its_own(collector, tmp_path):
    flags = ("--enable-opentelemetry", f"--otlp-endpoint={collector.url}", "--otel-sampler-ratio=1")
    wanted = {"opentelemetry_trust_incoming_span": "false", "opentelemetry_operation_name": "shop-1"}
    with serving(tmp_path, *flags, enable_opentelemetry="true", **wanted) as edge:
        (given,), states = parents(edge.get("/", fields=[("traceparent", f"00-{TRACE}-{PARENT}-01")]))
        assert TRACE not in given
        assert not states
        assert collector.of(given.split("-")[1]).name == "shop-1"


def test_a_collector_that_is_away_costs_no_request(tmp_path):
    flags = ("--enable-opentelemetry", "--otlp-endpoint=http://127.0.0.1:1/v1/traces", "--otel-sampler-ratio=1")
    with serving(tmp_path, *flags) as edge:
        for _ in range(50):
            assert edge.get("/").status == 200
        assert edge.stop() == 0


def test_what_is_left_at_the_end_is_sent(collector, tmp_path):
    trace = "66f7651916cd43dd8448eb211c80319c"
    with serving(tmp_path, "--enable-opentelemetry", f"--otlp-endpoint={collector.url}") as edge:
        edge.get("/", fields=[("traceparent", f"00-{trace}-{PARENT}-01")])
        assert edge.stop() == 0
    assert trace in {span.trace_id.hex() for span in collector.spans}


def test_a_collector_that_does_not_answer_holds_up_no_end(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        flags = ("--enable-opentelemetry", f"--otlp-endpoint={url}", "--otel-sampler-ratio=1", "--shutdown-grace=2")
        with serving(tmp_path, *flags) as edge:
            edge.get("/")
            assert edge.stop() == 0
            assert "Worker exiting" in edge.log, "it had to be killed"


def test_without_the_library_the_way_out_is_told(tmp_path):
    (tmp_path / "opentelemetry.py").write_text("raise ImportError\n")
    with Edge(command="proxy", ready=False, environment={"PYTHONPATH": str(tmp_path)}) as plain:
        plain.wait_ready()
    arguments = ("--enable-opentelemetry",)
    with Edge(None, *arguments, command="proxy", ready=False, environment={"PYTHONPATH": str(tmp_path)}) as edge:
        assert edge.wait() == 2
        assert "edge-ingress[tracing]" in edge.log


def test_a_ratio_that_is_none_is_refused():
    with Edge(None, "--otel-sampler-ratio=7", command="proxy", ready=False) as edge:
        assert edge.wait() == 2
        assert "--otel-sampler-ratio '7': must be between 0 and 1" in edge.log
