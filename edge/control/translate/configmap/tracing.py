"""Traces by OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import BOOLEAN, NAME, Form, integer, one_of
from edge.control.translate.configmap.keys import group, without_effect, workers
from edge.table import templates, variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Found, Key


def _ratio(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None


def _name(text: str) -> str | None:
    try:
        templates.parse(text, variables.SPAN)
    except templates.TemplateError:
        return None
    return text if text.isprintable() else None


SPAN_NAME: Final = Form("a text with no variables but those of a request and the names of its route", _name)
RATIO: Final = Form("a number from 0 to 1", _ratio)
OPERATION: Final = (
    "Has the variables of [requests](#variables), `$namespace`, `$ingress_name`, `$service_name`, `$server_name` and "
    "`$location_path`."
)
SAMPLERS: Final = {"AlwaysOn": 1.0, "AlwaysOff": 0.0, "TraceIdRatioBased": None}
KEYS: Final[tuple[Key, ...]] = (
    workers("enable-opentelemetry", BOOLEAN),
    workers("opentelemetry-trust-incoming-span", BOOLEAN),
    workers("opentelemetry-operation-name", SPAN_NAME, "otel_operation_name", OPERATION),
    group("otlp-collector-host", NAME, "Spans are sent by OTLP over HTTP, not gRPC."),
    group("otlp-collector-port", integer(1, 65535), "Without the key it is 4318: see `otlp-collector-host`."),
    workers("otel-service-name", NAME),
    group("otel-sampler", one_of(*SAMPLERS), "Without the key it is `otel-sampler-ratio`, if that is set."),
    group("otel-sampler-ratio", RATIO),
    workers("otel-sampler-parent-based", BOOLEAN),
    workers("otel-max-queuesize", integer(1), "otel_max_queue_size"),
    workers("otel-schedule-delay-millis", integer(1), remark="Without the key it is 1000."),
    workers("otel-max-export-batch-size", integer(1)),
    *without_effect("The library is configured by the keys alone.", "opentelemetry-config"),
)


def parameters(found: Found) -> Iterator[tuple[str, object]]:
    """The collector of spans, and sampling."""
    host = found.get("otlp-collector-host")
    if host:
        yield "otlp_endpoint", f"http://{host}:{found.get('otlp-collector-port', 4318)}/v1/traces"
    sampled = SAMPLERS.get(found.get("otel-sampler", ""))
    if sampled is not None:
        yield "otel_sampler_ratio", sampled
    elif found.is_set("otel-sampler-ratio"):
        yield "otel_sampler_ratio", found.get("otel-sampler-ratio")
