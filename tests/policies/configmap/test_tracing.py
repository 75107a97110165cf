"""Keys about traces: a change of one holds for the spans of the requests behind it, and no worker starts again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.support.collector import Collector
from tests.support.configured import Configured
from tests.support.waiting import eventually

Fields = Sequence[tuple[str, str]]
PARENT = "b7ad6b7169203331"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def traced(configured: Configured, collector: Collector, **keys: str) -> None:
    """Have all requests traced, and told to COLLECTOR at once; KEYS go before."""
    given = {
        "enable_opentelemetry": "true",
        "otlp_collector_host": "127.0.0.1",
        "otlp_collector_port": str(collector.port),
        "otel_sampler": "AlwaysOn",
        "otel_schedule_delay_millis": "50",
    }
    configured.configure(**given | keys)


def parent(configured: Configured, host: str, given: Fields = ()) -> str:
    """The field traceparent that the application gets; empty: none."""
    fields = {name.lower(): value for name, value in configured.get(host, fields=given).json()["headers"]}
    return fields.get("traceparent", "")


def is_sampled(parent: str) -> bool:
    """Whether the lowest flag of a traceparent is set (W3C Trace Context)."""
    return bool(int(parent.rpartition("-")[2], 16) & 1)


def spans_of(configured: Configured, collector: Collector, host: str, target: str, **fields: str) -> list[Any]:
    """The spans that COLLECTOR gets of a request for TARGET."""
    before = len(collector.spans)
    configured.get(host, target, fields=list(fields.items()))
    eventually(lambda: len(collector.spans) > before, timeout=40, message="no span")
    return collector.spans[before:]


def test_requests_are_traced_while_the_key_says_so(configured: Configured, host: str) -> None:
    assert not parent(configured, host)
    collector = Collector()
    try:
        traced(configured, collector)
        assert parent(configured, host)
        assert spans_of(configured, collector, host, "/a")
    finally:
        configured.configure()
        collector.close()
    assert not parent(configured, host)


def test_names_of_spans_have_variables_of_the_request_and_of_its_route(
    configured: Configured, host: str, collector: Collector
) -> None:
    traced(configured, collector, opentelemetry_operation_name="HTTP $request_method $service_name $uri")
    service = host.removesuffix(".example")
    assert spans_of(configured, collector, host, "/a?b=c")[0].name == f"HTTP GET {service} /a"
    traced(configured, collector, opentelemetry_operation_name="${namespace}/$ingress_name $server_name$location_path")
    assert spans_of(configured, collector, host, "/a")[0].name == f"demo/{service} {host}/"
    traced(configured, collector, opentelemetry_operation_name="$nobody_knows")
    assert [one.field for one in configured.problems] == ['data["opentelemetry-operation-name"]']
    assert spans_of(configured, collector, host, "/a")[0].name == f"GET {host}/"


def test_the_name_of_the_service(configured: Configured, host: str, collector: Collector) -> None:
    traced(configured, collector, otel_service_name="shop-proxy")
    assert spans_of(configured, collector, host, "/")
    assert collector.resources[-1]["service.name"] == "shop-proxy"


@pytest.mark.parametrize(("trusts", "same"), [("true", True), ("false", False)])
def test_the_trace_of_a_client_is_gone_on_with_where_it_is_trusted(
    configured: Configured, host: str, collector: Collector, trusts: str, *, same: bool
) -> None:
    traced(configured, collector, opentelemetry_trust_incoming_span=trusts)
    trace = "0af7651916cd43dd8448eb211c80319c"
    (span,) = spans_of(configured, collector, host, "/", traceparent=f"00-{trace}-{PARENT}-01")
    assert (span.trace_id.hex() == trace) is same


@pytest.mark.parametrize(
    ("keys", "sampled"),
    [
        ({"otel_sampler": "AlwaysOff"}, False),
        ({"otel_sampler": "TraceIdRatioBased", "otel_sampler_ratio": "1"}, True),
        ({"otel_sampler": "TraceIdRatioBased", "otel_sampler_ratio": "0"}, False),
    ],
)
def test_the_sampler_decides_which_requests_become_spans(
    configured: Configured, host: str, collector: Collector, keys: dict[str, str], *, sampled: bool
) -> None:
    """What it has decided is in the last part of the traceparent that endpoints get."""
    traced(configured, collector, **keys)
    assert is_sampled(parent(configured, host)) is sampled


@pytest.mark.parametrize(("parent_based", "sampled"), [("true", True), ("false", False)])
def test_a_sampled_parent_counts_where_the_key_says_so(
    configured: Configured, host: str, collector: Collector, parent_based: str, *, sampled: bool
) -> None:
    traced(configured, collector, otel_sampler="AlwaysOff", otel_sampler_parent_based=parent_based)
    given = [("traceparent", f"00-0af7651916cd43dd8448eb211c80319c-{PARENT}-01")]
    assert is_sampled(parent(configured, host, given)) is sampled
