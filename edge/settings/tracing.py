"""Spans of requests."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import PROXY, setting


@dataclass(frozen=True, kw_only=True)
class Tracing:
    """Spans of requests."""

    enable_opentelemetry: bool = setting(
        False, "Record a span of each sampled request and send it to --otlp-endpoint.", commands=PROXY
    )
    otlp_endpoint: str = setting(
        "http://localhost:4318/v1/traces",
        "Collector that accepts spans by OTLP over HTTP.",
        placeholder="URL",
        commands=PROXY,
    )
    otel_service_name: str = setting("edge", "Name of the service in spans.", placeholder="NAME", commands=PROXY)
    otel_sampler_ratio: float = setting(
        0.01,
        "Share of the requests without a sampled parent that become spans.",
        placeholder="RATIO",
        commands=PROXY,
        most=1,
    )
    opentelemetry_trust_incoming_span: bool = setting(
        True,
        "With tracing, continue the trace of the client's traceparent, with its sampling decision.",
        commands=PROXY,
    )
