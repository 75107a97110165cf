"""The dashboard `Edge / Overview`: how all of Edge fares, and where to look closer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders.dashboard import Row
from panels import Column, Query, chart, dashboard, number, rows, selection

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

ROUTE = 'namespace=~"$namespace", ingress=~"$ingress"'
BY = "namespace, ingress, service"
HERE = 'instance=~"$instance"'
CLOSER = "/d/edge-ingress?var-namespace=${__data.fields.namespace}&var-ingress=${__data.fields.ingress}"


def rate(metric: str, labels: str = HERE) -> str:
    """Per second."""
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def quantile(which: float, metric: str, labels: str, by: str = "") -> str:
    """Estimated from the buckets of METRIC, of all series or by the labels BY."""
    return f"histogram_quantile({which}, sum by (le{', ' + by if by else ''}) ({rate(metric + '_bucket', labels)}))"


def errors(labels: str, by: str = "") -> str:
    """Share of the requests that were answered with 5xx; 0 where there were none of those."""
    group = f"by ({by}) " if by else ""
    total = f"sum {group}({rate('edge_requests_total', labels)})"
    labels += ', status_class="5xx"'
    failed = f"sum {group}({rate('edge_requests_total', labels)})"
    return f"({failed} or {total} * 0) / {total}"


def build() -> Dashboard:
    """The dashboard."""
    board = (
        dashboard(
            "Edge / Overview", "edge-overview", "Requests, errors and durations; workers; streams; table; certificates."
        )
        .with_variable(selection("namespace", "Namespace", "label_values(edge_requests_total, namespace)"))
        .with_variable(
            selection("ingress", "Ingress", 'label_values(edge_requests_total{namespace=~"$namespace"}, ingress)')
        )
        .with_variable(selection("instance", "Instance", "label_values(edge_build_info, instance)"))
    )
    for part in (_requests, _routes, _saturation, _wire, _streams, _table, _certificates):
        board = part(board)
    return board


def _requests(board: Dashboard) -> Dashboard:
    duration = "edge_request_duration_seconds"
    return (
        board.with_row(Row("Requests"))
        .with_panel(
            number("Requests", "Answered per second.", f"sum({rate('edge_requests_total', ROUTE)})", unit="reqps")
        )
        .with_panel(number("Errors", "Share of 5xx.", errors(ROUTE), unit="percentunit", warn=0.01, alarm=0.05))
        .with_panel(
            number(
                "p95",
                "95 of 100 requests took no longer.",
                quantile(0.95, duration, ROUTE),
                unit="s",
                warn=0.5,
                alarm=2.5,
            )
        )
        .with_panel(number("Connections", "Open, of clients.", f"sum(edge_connections_active{{{HERE}}})", unit="short"))
        .with_panel(
            number(
                "No route",
                "Requests per second that no route takes.",
                f"sum({rate('edge_unmatched_requests_total')})",
                unit="reqps",
            )
        )
        .with_panel(number("Workers", "Worker processes that live.", f"sum(edge_workers{{{HERE}}})", unit="short"))
        .with_panel(
            chart(
                "Requests by class of status",
                "Answered per second.",
                Query(f"sum by (status_class) ({rate('edge_requests_total', ROUTE)})", "{{status_class}}"),
                unit="reqps",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Errors by Ingress",
                "Share of 5xx, the ten worst.",
                Query(f"topk(10, {errors(ROUTE, 'namespace, ingress')})", "{{namespace}}/{{ingress}}"),
                unit="percentunit",
            )
        )
        .with_panel(
            chart(
                "Duration",
                "From the head of a request to the end of its response; the upstream's part of the median beside it.",
                *(Query(quantile(which, duration, ROUTE), f"p{which * 100:g}") for which in (0.5, 0.95, 0.99)),
                Query(quantile(0.5, "edge_upstream_duration_seconds", ROUTE), "p50 of the upstream"),
                unit="s",
            )
        )
    )


def _routes(board: Dashboard) -> Dashboard:
    total = f"sum by ({BY}) ({rate('edge_requests_total', ROUTE)})"
    slowest = quantile(0.95, "edge_request_duration_seconds", ROUTE, BY)
    return (
        board.with_row(Row("Routes"))
        .with_panel(
            rows(
                "Top routes",
                "The twenty with the most requests; follow the Ingress to its own dashboard.",
                ("namespace", "ingress"),
                Column("requests", f"topk(20, {total})", "reqps"),
                Column("errors", f"{errors(ROUTE, BY)} and on ({BY}) topk(20, {total})", "percentunit"),
                Column("p95", f"{slowest} and on ({BY}) topk(20, {total})", "s"),
                width=16,
                link=CLOSER,
            )
        )
        .with_panel(
            chart(
                "Bytes",
                "To and from clients, per second.",
                Query(f"sum({rate('edge_sent_bytes_total')})", "sent"),
                Query(f"sum({rate('edge_received_bytes_total')})", "received"),
                unit="Bps",
                height=9,
            )
        )
    )


def _saturation(board: Dashboard) -> Dashboard:
    worker = "{{instance}} worker {{worker}}"
    return (
        board.with_row(Row("Saturation"))
        .with_panel(
            chart(
                "CPU of each worker",
                "A worker uses one processor at most: near 100 % it is the limit, and requests begin to wait.",
                Query(rate("edge_worker_cpu_seconds_total"), worker),
                unit="percentunit",
            )
        )
        .with_panel(
            chart(
                "Connections of each worker",
                "Open, of clients.",
                Query(f"edge_worker_connections{{{HERE}}}", worker),
                unit="short",
            )
        )
        .with_panel(
            chart(
                "Memory",
                "Resident; pages of the table that several workers read count for each of them.",
                Query(f"edge_worker_resident_memory_bytes{{{HERE}}}", worker),
                Query(f"edge_control_resident_memory_bytes{{{HERE}}}", "{{instance}} control plane"),
                unit="bytes",
            )
        )
        .with_panel(
            chart(
                "Signs of life",
                "Time since each worker's last one; --worker-timeout replaces a worker.",
                Query(f"edge_worker_heartbeat_age_seconds{{{HERE}}}", worker),
                unit="s",
            )
        )
        .with_panel(
            chart(
                "Restarts of workers",
                "Within five minutes; a reload and a change of the number of workers count too.",
                Query(f"increase(edge_worker_restarts_total{{{HERE}}}[5m])", worker),
                unit="short",
            )
        )
        .with_panel(
            chart(
                "Series of routes",
                "Combinations of route, method and status that are counted, and those for which there was no room.",
                Query(f"sum(edge_route_series{{{HERE}}})", "series"),
                Query(f"sum({rate('edge_route_series_folded_total')})", "folded per second"),
                unit="short",
            )
        )
    )


def _wire(board: Dashboard) -> Dashboard:
    return (
        board.with_row(Row("Connections"))
        .with_panel(
            chart(
                "Connections by state",
                "Open, of clients.",
                Query(f"sum by (state) (edge_connections{{{HERE}}})", "{{state}}"),
                unit="short",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "New connections and handshakes",
                "Per second.",
                Query(f"sum({rate('edge_connections_accepted_total')})", "accepted"),
                Query(f"sum({rate('edge_connections_refused_total')})", "refused: too many"),
                Query(f"sum({rate('edge_tls_handshakes_total')})", "TLS handshakes"),
                Query(f"sum({rate('edge_tls_handshakes_resumed_total')})", "of them resumed"),
                Query(f"sum({rate('edge_tls_handshake_failures_total')})", "TLS handshakes failed"),
                Query(f"sum({rate('edge_bad_requests_total')})", "bad requests"),
                unit="ops",
            )
        )
        .with_panel(
            chart(
                "Upstream",
                "Connections to endpoints, and what went wrong with them, per second.",
                Query(f"sum({rate('edge_upstream_connections_total')})", "opened"),
                Query(f"sum({rate('edge_upstream_connect_failures_total')})", "failed to open"),
                Query(f"sum({rate('edge_upstream_retries_total')})", "retries"),
                Query(f"sum({rate('edge_upstream_ejections_total')})", "endpoints ejected"),
                unit="ops",
            )
        )
    )


def _streams(board: Dashboard) -> Dashboard:
    streams = 'namespace=~"$namespace"'
    by = "namespace, ingress, service, protocol"
    ended = rate("edge_sessions_total", streams)
    total = f"sum by ({by}) ({ended})"
    others = streams + ', status!="200"'
    failed = f"sum by ({by}) ({rate('edge_sessions_total', others)})"
    return (
        board.with_row(Row("Streams: TCP, UDP, TLS passthrough"))
        .with_panel(
            rows(
                "Top streams",
                "The twenty with the most sessions; ingress is the object that asks for it, a ConfigMap for instance.",
                ("namespace", "ingress", "service", "protocol"),
                Column("sessions", f"topk(20, {total})", "ops"),
                Column("errors", f"({failed} or {total} * 0) / {total} and on ({by}) topk(20, {total})", "percentunit"),
                Column("p95", quantile(0.95, "edge_session_duration_seconds", streams, by), "s"),
                width=16,
            )
        )
        .with_panel(
            chart(
                "Sessions that are open",
                "Relayed connections, and sessions of datagrams.",
                Query(f"sum(edge_stream_connections_active{{{HERE}}})", "TCP and TLS"),
                Query(f"sum(edge_datagram_sessions_active{{{HERE}}})", "UDP"),
                unit="short",
                height=9,
            )
        )
        .with_panel(
            chart(
                "Sessions by status",
                "Ended, per second. 502: no endpoint took it, 503: there was none, 500: Edge lacks something.",
                Query(f"sum by (protocol, status) ({ended})", "{{protocol}} {{status}}"),
                unit="ops",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Time to connect",
                "Until an endpoint took the connection, or none did.",
                *(
                    Query(quantile(which, "edge_session_connect_duration_seconds", streams), f"p{which * 100:g}")
                    for which in (0.5, 0.95, 0.99)
                ),
                unit="s",
            )
        )
        .with_panel(
            chart(
                "Datagrams",
                "Per second. Those of clients are dropped for want of an endpoint or of room.",
                Query(f"sum({rate('edge_datagrams_received_total')})", "of clients"),
                Query(f"sum({rate('edge_datagrams_sent_total')})", "to clients"),
                Query(f"sum({rate('edge_datagrams_dropped_total')})", "dropped"),
                unit="pps",
            )
        )
    )


def _table(board: Dashboard) -> Dashboard:
    return (
        board.with_row(Row("Table and control plane"))
        .with_panel(
            chart(
                "Tables published",
                "Per second: each is a change that workers obey from their next request on.",
                Query(f"sum by (instance) ({rate('edge_table_publications_total')})", "{{instance}}"),
                Query(f"sum({rate('edge_table_publish_failures_total')})", "failed"),
                unit="ops",
            )
        )
        .with_panel(
            chart(
                "Lag of workers",
                "Generations behind the newest table; idle workers catch up within a second.",
                Query(f"max by (instance) (edge_worker_table_lag{{{HERE}}})", "{{instance}}"),
                unit="short",
            )
        )
        .with_panel(
            chart(
                "Size of the table",
                "Generation apart, it should follow the cluster.",
                Query(f"max(edge_table_routes{{{HERE}}})", "routes"),
                Query(f"max(edge_table_hosts{{{HERE}}})", "hosts"),
                Query(f"max by (kind) (edge_objects{{{HERE}}})", "{{kind}}"),
                unit="short",
            )
        )
        .with_panel(
            chart(
                "Problems",
                "The problems that `edge check` and Events report.",
                Query(
                    f"max by (severity, reason) (edge_problems{{{HERE}}}) or max(edge_ingresses_served{{{HERE}}}) * 0",
                    "{{severity}} {{reason}}",
                ),
                unit="short",
            )
        )
        .with_panel(
            chart(
                "Services without endpoints",
                "Ports that routes name; their requests are answered 503.",
                Query(f"max(edge_services_without_endpoints{{{HERE}}})", "services"),
                unit="short",
            )
        )
        .with_panel(
            chart(
                "Control plane",
                "CPU time per second, and which instances are ready.",
                Query(rate("edge_control_cpu_seconds_total"), "{{instance}} CPU"),
                Query(f"edge_ready{{{HERE}}}", "{{instance}} ready"),
                unit="short",
            )
        )
    )


def _certificates(board: Dashboard) -> Dashboard:
    expiry = 'edge_certificate_expiry_timestamp_seconds{namespace=~"$namespace"}'
    left = f"(min by (namespace, secret, common_name) ({expiry}) - time())"
    return (
        board.with_row(Row("Certificates"))
        .with_panel(
            rows(
                "Certificates by expiry",
                "Time that is left; the generated default certificate has no Secret and renews itself.",
                ("namespace", "secret"),
                Column("left", f"sort({left})", "s"),
                width=16,
            )
        )
        .with_panel(
            chart(
                "The first to expire",
                "Time that is left to it.",
                Query(f"min({left})", "left"),
                unit="s",
                height=9,
            )
        )
    )
