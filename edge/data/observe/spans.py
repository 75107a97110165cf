"""Spans of requests, by OpenTelemetry; imported with `--enable-opentelemetry` only, see `edge.data.observe.tracing`.

Rules of this file:
- Every request belongs to a trace: the client's, or a new one. Its endpoint gets a traceparent with our span, sampled
  or not, so that all services sample the same traces (head sampling).
- The library sends spans, in a thread of its own and with a bounded queue. If the collector is down or slow, spans are
  lost, never a request.

Sources: W3C Trace Context; OpenTelemetry, semantic conventions for HTTP spans.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from edge import __version__
from edge.data.exchange import texts
from edge.table import templates, variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span

    from edge.data.exchange.client import Client
    from edge.data.exchange.exchange import Exchange
    from edge.settings import Settings
    from edge.table.counters import RouteLabels
    from edge.table.parameters import Parameters
    from edge.table.policies import Tracing as Policy
    from edge.table.templates import Variable

FLUSH = 2.0
"""Longest time that a worker waits at its end until spans are sent, seconds."""


class Tracing:
    """State shared by the exchanges of one worker. Made after fork."""

    def __init__(self, settings: Settings, parameters: Parameters) -> None:
        self._root = Context()
        self._name = _namer(parameters.otel_operation_name) if parameters.otel_operation_name else None
        self._trusting = settings.opentelemetry_trust_incoming_span
        self._propagator = TraceContextTextMapPropagator()
        resource = Resource.create({"service.name": settings.otel_service_name, "service.version": __version__})
        drawn = TraceIdRatioBased(settings.otel_sampler_ratio)
        sampler = ParentBased(drawn) if parameters.otel_sampler_parent_based else drawn
        self._provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        sender = OTLPSpanExporter(endpoint=settings.otlp_endpoint, timeout=5)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                sender,
                max_queue_size=parameters.otel_max_queue_size,
                schedule_delay_millis=parameters.otel_schedule_delay_millis,
                max_export_batch_size=min(parameters.otel_max_export_batch_size, parameters.otel_max_queue_size),
            )
        )
        self._tracer = self._provider.get_tracer("edge", __version__)
        self._failed = trace.Status(trace.StatusCode.ERROR)

    def run(
        self, exchange: Exchange, serve: Callable[[], RouteLabels | None], wanted: Policy | None = None
    ) -> RouteLabels | None:
        """Serve EXCHANGE within a span by SERVE, which returns the route that took it; None: none did. WANTED: the
        tracing settings of its route.
        """
        client, forwarding = exchange.client, exchange.client.forwarding
        trusts = wanted.trusts if wanted is not None else None
        span, fields = self.begin(client, trusting=self._trusting if trusts is None else trusts)
        client.forwarding = forwarding + fields
        try:
            if span.is_recording():
                span.set_attributes(_request_attributes(client))
            route = serve()
            if span.is_recording():
                self._finish(span, exchange, route)
                if wanted is not None and wanted.name:
                    span.update_name(wanted.name)
                elif self._name is not None:
                    span.update_name(self._name(exchange, route))
            return route
        finally:
            client.forwarding = forwarding
            span.end()

    def begin(self, client: Client, *, trusting: bool) -> tuple[Span, bytes]:
        """A span for CLIENT's request, and the field lines that pass it on to the endpoint; TRUSTING: within the
        client's trace."""
        request = client.request
        carrier = {}
        for name in ("traceparent", "tracestate"):
            value = request.get(name.encode())
            if value is not None:
                request.hide(name.encode())
                carrier[name] = value.decode("latin-1")
        parent = self._root
        if carrier and trusting:
            parent = self._propagator.extract(carrier, parent)
        method = request.method.decode("latin-1")
        span = self._tracer.start_span(method, parent, trace.SpanKind.SERVER, start_time=time.time_ns())
        fields: dict[str, str] = {}
        self._propagator.inject(fields, trace.set_span_in_context(span, parent))
        return span, "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1")

    def _finish(self, span: Span, exchange: Exchange, route: RouteLabels | None) -> None:
        """Record the outcome of EXCHANGE in SPAN."""
        outcome = exchange.outcome
        if route is not None:
            method = exchange.client.request.method.decode("latin-1")
            span.update_name(f"{method} {route.host}{route.path}")
            span.set_attributes(
                {
                    "http.route": route.path,
                    "edge.namespace": route.namespace,
                    "edge.ingress": route.ingress,
                    "edge.service": route.service,
                    "edge.endpoint": outcome.endpoint,
                    "http.request.resend_count": len(outcome.earlier or ()),
                    "http.response.size": outcome.sent,
                }
            )
        span.set_attribute("http.response.status_code", outcome.status)
        if outcome.request_id:
            span.set_attribute("edge.request_id", outcome.request_id.decode("latin-1"))
        if outcome.status >= 500:
            span.set_status(self._failed)

    def end(self) -> threading.Thread:
        """Send what is left, in a thread of its own."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        return sending

    def close(self) -> None:
        """Send the remaining spans within a time limit, which the library itself does not have."""
        self.end().join(FLUSH)


def _namer(text: str) -> Callable[[Exchange, RouteLabels | None], str]:
    """A function that returns TEXT with the values of an exchange, and of its route, for its variables."""
    parts = templates.parse(text, variables.SPAN).parts

    def name(exchange: Exchange, route: RouteLabels | None) -> str:
        return "".join([part if isinstance(part, str) else _value(part, exchange, route) for part in parts])

    return name


def _value(variable: Variable, exchange: Exchange, route: RouteLabels | None) -> str:
    of_route = _ROUTE.get(variable.name)
    if of_route is not None:
        return of_route(route) if route is not None else ""
    return texts.value_of(variable)(exchange).decode("latin-1")


_ROUTE: Final[dict[str, Callable[[RouteLabels], str]]] = {
    "ingress_name": lambda route: route.ingress,
    "location_path": lambda route: route.path,
    "namespace": lambda route: route.namespace,
    "server_name": lambda route: route.host or "_",
    "service_name": lambda route: route.service,
}


def _request_attributes(client: Client) -> dict[str, str]:
    request = client.request
    path, _, query = request.target.decode("latin-1").partition("?")
    attributes = {
        "http.request.method": request.method.decode("latin-1"),
        "url.scheme": "https" if client.secure else "http",
        "url.path": path,
        "server.address": client.host.decode("latin-1"),
        "client.address": client.address,
        "network.protocol.version": f"{request.version // 10}.{request.version % 10}",
    }
    if agent := request.get(b"user-agent"):
        attributes["user_agent.original"] = agent.decode("latin-1")
    if query:
        attributes["url.query"] = query
    return attributes
