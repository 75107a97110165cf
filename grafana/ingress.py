"""The dashboard `Edge / Ingress`: one Ingress, or a few, from every side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders.dashboard import Row
from overview import ROUTE, errors, quantile, rate
from panels import Query, chart, dashboard, heat, number, selection

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

DURATION = "edge_request_duration_seconds"
UPSTREAM = "edge_upstream_duration_seconds"
REQUEST_SIZE = "edge_request_size_bytes"
RESPONSE_SIZE = "edge_response_size_bytes"


def build() -> Dashboard:
    """The dashboard."""
    board = (
        dashboard(
            "Edge / Ingress", "edge-ingress", "Latency, codes, upstreams and sizes of the requests of an Ingress."
        )
        .with_variable(selection("namespace", "Namespace", "label_values(edge_requests_total, namespace)"))
        .with_variable(
            selection("ingress", "Ingress", 'label_values(edge_requests_total{namespace=~"$namespace"}, ingress)')
        )
    )
    for part in (_figures, _latency, _codes, _upstreams):
        board = part(board)
    return board


def mean(metric: str) -> str:
    """Of the observations of the histogram METRIC."""
    return f"sum({rate(metric + '_sum', ROUTE)}) / sum({rate(metric + '_count', ROUTE)})"


def _figures(board: Dashboard) -> Dashboard:
    requests = f"sum({rate('edge_requests_total', ROUTE)})"
    return (
        board.with_row(Row("$namespace / $ingress"))
        .with_panel(number("Requests", "Answered per second.", requests, unit="reqps"))
        .with_panel(number("Errors", "Share of 5xx.", errors(ROUTE), unit="percentunit", warn=0.01, alarm=0.05))
        .with_panel(number("p50", "Half of the requests took no longer.", quantile(0.5, DURATION, ROUTE), unit="s"))
        .with_panel(
            number("p99", "99 of 100 took no longer.", quantile(0.99, DURATION, ROUTE), unit="s", warn=1, alarm=2.5)
        )
        .with_panel(number("Request", "Mean size.", mean(REQUEST_SIZE), unit="bytes"))
        .with_panel(number("Response", "Mean size.", mean(RESPONSE_SIZE), unit="bytes"))
    )


def _latency(board: Dashboard) -> Dashboard:
    return (
        board.with_row(Row("Latency"))
        .with_panel(
            heat(
                "Duration",
                "How many requests took how long: two bands mean two kinds of request.",
                f"sum by (le) (increase({DURATION}_bucket{{{ROUTE}}}[$__rate_interval]))",
                unit="s",
            )
        )
        .with_panel(
            chart(
                "Duration by percentile",
                "From the head of a request to the end of its response.",
                *(Query(quantile(which, DURATION, ROUTE), f"p{which * 100:g}") for which in (0.5, 0.9, 0.95, 0.99)),
                unit="s",
                width=12,
            )
        )
        .with_panel(
            heat(
                "Upstream",
                "The same of the endpoints' part.",
                f"sum by (le) (increase({UPSTREAM}_bucket{{{ROUTE}}}[$__rate_interval]))",
                unit="s",
            )
        )
        .with_panel(
            chart(
                "Where the time goes",
                "Means: the upstream's part, and what is left for reading the request, sending the response and Edge.",
                Query(mean(UPSTREAM), "upstream"),
                Query(f"{mean(DURATION)} - {mean(UPSTREAM)}", "client and Edge"),
                unit="s",
                width=12,
                stacked=True,
            )
        )
    )


def _codes(board: Dashboard) -> Dashboard:
    def by(label: str) -> Query:
        return Query(f"sum by ({label}) ({rate('edge_requests_total', ROUTE)})", f"{{{{{label}}}}}")

    return (
        board.with_row(Row("Answers"))
        .with_panel(chart("By status", "Answered per second.", by("status"), unit="reqps", stacked=True))
        .with_panel(chart("By method", "Answered per second.", by("method"), unit="reqps", stacked=True))
        .with_panel(
            chart(
                "gRPC by status",
                "Calls that ended, per second; 0 is OK, 14 UNAVAILABLE.",
                Query(f"sum by (grpc_status) ({rate('edge_grpc_calls_total', ROUTE)})", "{{grpc_status}}"),
                unit="reqps",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Errors by Service",
                "Share of 5xx.",
                Query(errors(ROUTE, "namespace, service"), "{{namespace}}/{{service}}"),
                unit="percentunit",
            )
        )
    )


def _upstreams(board: Dashboard) -> Dashboard:
    routed = f"max by (namespace, service) (edge_requests_total{{{ROUTE}}})"
    return (
        board.with_row(Row("Upstreams"))
        .with_panel(
            chart(
                "Endpoints",
                "Usable ones of each Service port that the Ingress names; none means 503.",
                Query(
                    f'max by (namespace, service, port) (edge_service_endpoints{{namespace=~"$namespace"}})'
                    f" and on (namespace, service) {routed}",
                    "{{namespace}}/{{service}}:{{port}}",
                ),
                unit="short",
            )
        )
        .with_panel(
            chart(
                "Requests by Service",
                "Answered per second.",
                Query(
                    f"sum by (namespace, service) ({rate('edge_requests_total', ROUTE)})", "{{namespace}}/{{service}}"
                ),
                unit="reqps",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "p95 by Service",
                "Of the endpoints' part.",
                Query(quantile(0.95, UPSTREAM, ROUTE, "namespace, service"), "{{namespace}}/{{service}}"),
                unit="s",
            )
        )
        .with_panel(
            chart(
                "Retries and failures of all Ingresses",
                "Edge counts these for all endpoints together, per second.",
                Query("sum(rate(edge_upstream_retries_total[$__rate_interval]))", "retries"),
                Query("sum(rate(edge_upstream_connect_failures_total[$__rate_interval]))", "failed to connect"),
                Query("sum(rate(edge_upstream_ejections_total[$__rate_interval]))", "endpoints ejected"),
                unit="ops",
                width=12,
            )
        )
        .with_panel(
            chart(
                "Bytes",
                "Of requests and responses, per second.",
                Query(f"sum({rate(RESPONSE_SIZE + '_sum', ROUTE)})", "responses"),
                Query(f"sum({rate(REQUEST_SIZE + '_sum', ROUTE)})", "requests"),
                unit="Bps",
                width=12,
            )
        )
    )
