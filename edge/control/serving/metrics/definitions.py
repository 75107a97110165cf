"""Every metric of Edge, defined once: the collector and docs/metrics.md come from here.

Names follow the conventions of Prometheus: base units, `_total` for what only grows. Those of ingress-nginx are in
`nginx_definitions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Definition:
    """One metric."""

    name: str
    """As it is scraped."""
    kind: Kind
    text: str
    """Its meaning, for `# HELP` and the reference."""
    labels: tuple[str, ...] = ()
    note: str = ""
    """More for the reference only."""

    bare: bool = False
    """Whether it is a counter whose name OpenMetrics does not allow for one; it is `unknown` there."""


@dataclass(frozen=True)
class Section:
    """Metrics that belong together."""

    title: str
    text: str
    definitions: tuple[Definition, ...]


def counter(name: str, text: str, *labels: str, note: str = "") -> Definition:
    """A counter: a value that only grows."""
    return Definition(name, "counter", text, labels, note)


def gauge(name: str, text: str, *labels: str, note: str = "") -> Definition:
    """A gauge: a value that may go up and down."""
    return Definition(name, "gauge", text, labels, note)


def histogram(name: str, text: str, *labels: str, note: str = "") -> Definition:
    """Observations in buckets."""
    return Definition(name, "histogram", text, labels, note)


# --- routes -----------------------------------------------------------------------------------------------------------

_ROUTE = ("kind", "namespace", "ingress", "service")
REQUESTS = counter("edge_requests_total", "Requests answered.", *_ROUTE, "method", "status", "status_class")
DURATION = histogram(
    "edge_request_duration_seconds",
    "Time from the head of a request to the end of its response.",
    *_ROUTE,
    "status_class",
)
UPSTREAM = histogram(
    "edge_upstream_duration_seconds",
    "Time from asking an endpoint to the end of its response; requests that asked none are not in it.",
    *_ROUTE,
    "status_class",
)
REQUEST_SIZE = histogram("edge_request_size_bytes", "Bytes of a request, head and body.", *_ROUTE, "status_class")
RESPONSE_SIZE = histogram("edge_response_size_bytes", "Bytes of a response, head and body.", *_ROUTE, "status_class")
CALLS = counter("edge_grpc_calls_total", "Calls of gRPC whose status is known.", *_ROUTE, "grpc_status")

ROUTES = Section(
    "Routes",
    "Counted for every route that the table has now, from its first request on. `kind` and `ingress` are kind and name "
    "of the object that asked for the route, an Ingress or an HTTPRoute; both are empty if a flag did. `service` "
    "is the name of the Service, `namespace` that of both. `method` is one of RFC 9110 and PATCH, else `OTHER`; "
    "`status_class` is `2xx` and so on. Routes above `--max-metric-series` are counted together as `_other`. "
    "`grpc_status` is the number that the endpoint sent as a trailer or in the head, or that Edge answered itself.",
    (REQUESTS, DURATION, UPSTREAM, REQUEST_SIZE, RESPONSE_SIZE, CALLS),
)

# --- streams ----------------------------------------------------------------------------------------------------------

_SESSION = (*_ROUTE, "protocol", "status")
SESSIONS = counter("edge_sessions_total", "Sessions of streams that have ended.", *_SESSION)
SESSION_DURATION = histogram(
    "edge_session_duration_seconds", "Time from the first byte of a session to its end.", *_SESSION
)
SESSION_CONNECT = histogram(
    "edge_session_connect_duration_seconds", "Time until an endpoint took the connection, or none did.", *_SESSION
)
SESSION_RECEIVED = histogram("edge_session_received_bytes", "Bytes that the client of a session has sent.", *_SESSION)
SESSION_SENT = histogram("edge_session_sent_bytes", "Bytes that the client of a session was sent.", *_SESSION)
STREAMS = Section(
    "Streams",
    "Connections and datagrams that are relayed without HTTP, counted when their session ends. `kind` and `ingress` "
    "name the object that asked for the stream, such as the ConfigMap of TCP services. `protocol` is `tcp`, `udp`, or "
    "`tls` for what a TLS server name decides. `status` is nginx's of a session: 200, 502 if no endpoint took it, 503 "
    "if there was none, 500 if Edge lacked something.",
    (SESSIONS, SESSION_DURATION, SESSION_CONNECT, SESSION_RECEIVED, SESSION_SENT),
)

# --- workers ----------------------------------------------------------------------------------------------------------

UNMATCHED = counter("edge_unmatched_requests_total", "Requests that no route takes.")
BAD_REQUESTS = counter("edge_bad_requests_total", "Requests refused because they are not valid HTTP.")
CONNECTIONS = gauge(
    "edge_connections",
    "Open connections of clients by state.",
    "state",
    note="`reading` a request's head, `writing`: a request is being served, `waiting` for the next request, "
    "`upgraded` to another protocol.",
)
CONNECTIONS_ACTIVE = gauge("edge_connections_active", "Open connections of clients.")
CONNECTIONS_ACCEPTED = counter("edge_connections_accepted_total", "Connections accepted.")
CONNECTIONS_HANDLED = counter("edge_connections_handled_total", "Connections on which requests were awaited.")
CONNECTIONS_REFUSED = counter(
    "edge_connections_refused_total", "Connections refused because a worker had --max-worker-connections."
)
RECEIVED = counter("edge_received_bytes_total", "Bytes received from clients.")
SENT = counter("edge_sent_bytes_total", "Bytes sent to clients.")
STREAMS_ACTIVE = gauge("edge_stream_connections_active", "Connections that are relayed without HTTP.")
SESSIONS_ACTIVE = gauge("edge_datagram_sessions_active", "Sessions of datagrams.")
DATAGRAMS_IN = counter("edge_datagrams_received_total", "Datagrams of clients that went to an endpoint.")
DATAGRAMS_OUT = counter("edge_datagrams_sent_total", "Datagrams that clients were sent.")
DATAGRAMS_DROPPED = counter(
    "edge_datagrams_dropped_total", "Datagrams of clients that were dropped because there was no endpoint or no room."
)
HANDSHAKES = counter("edge_tls_handshakes_total", "TLS handshakes of clients that succeeded.")
RESUMED = counter("edge_tls_handshakes_resumed_total", "Those of them that resumed a session.")
HANDSHAKE_FAILURES = counter("edge_tls_handshake_failures_total", "TLS handshakes of clients that failed.")
UPSTREAM_CONNECTIONS = counter("edge_upstream_connections_total", "Connections opened to endpoints.")
UPSTREAM_IDLE = gauge("edge_upstream_idle_connections", "Connections to endpoints kept for the next request.")
CONNECT_FAILURES = counter("edge_upstream_connect_failures_total", "Connections to endpoints that failed to open.")
RETRIES = counter(
    "edge_upstream_retries_total",
    "Further attempts after one had failed, at another endpoint or the same one.",
    note="A request that is sent again because a kept connection had ended is none, unless its HTTPRoute has `retry`.",
)
EJECTIONS = counter("edge_upstream_ejections_total", "Endpoints left out for a while because they had failed.")
LOG_DROPPED = counter(
    "edge_access_log_dropped_lines_total", "Lines of the access log dropped because its reader was too slow."
)
TEMPORARY_BYTES = gauge(
    "edge_temporary_bytes", "Bytes of bodies in temporary files, of up to --max-temp-size each worker."
)
SERIES = gauge("edge_route_series", "Combinations of route, method and status that workers count.")
SERIES_FOLDED = counter(
    "edge_route_series_folded_total", "Times that a combination was counted as _other because there was no room."
)

TRAFFIC = Section(
    "Traffic",
    "Sums over all workers, those included that have ended: they go on where a worker is replaced.",
    (
        UNMATCHED,
        BAD_REQUESTS,
        CONNECTIONS,
        CONNECTIONS_ACTIVE,
        CONNECTIONS_ACCEPTED,
        CONNECTIONS_HANDLED,
        CONNECTIONS_REFUSED,
        RECEIVED,
        SENT,
        STREAMS_ACTIVE,
        SESSIONS_ACTIVE,
        DATAGRAMS_IN,
        DATAGRAMS_OUT,
        DATAGRAMS_DROPPED,
        HANDSHAKES,
        RESUMED,
        HANDSHAKE_FAILURES,
        UPSTREAM_CONNECTIONS,
        UPSTREAM_IDLE,
        CONNECT_FAILURES,
        RETRIES,
        EJECTIONS,
        LOG_DROPPED,
        TEMPORARY_BYTES,
        SERIES,
        SERIES_FOLDED,
    ),
)

WORKERS = gauge("edge_workers", "Worker processes that live.")
RESTARTS = counter("edge_worker_restarts_total", "Times that a worker came after another.", "worker")
WORKER_STARTED = gauge("edge_worker_start_time_seconds", "When the worker started, Unix time.", "worker")
HEARTBEAT = gauge("edge_worker_heartbeat_age_seconds", "Time since the worker's last heartbeat.", "worker")
WORKER_CPU = counter("edge_worker_cpu_seconds_total", "User and system time of the worker.", "worker")
WORKER_RESIDENT = gauge("edge_worker_resident_memory_bytes", "Resident memory of the worker.", "worker")
WORKER_VIRTUAL = gauge("edge_worker_virtual_memory_bytes", "Virtual memory of the worker.", "worker")
WORKER_CONNECTIONS = gauge("edge_worker_connections", "Open connections of clients of the worker.", "worker")
WORKER_GENERATION = gauge("edge_worker_table_generation", "Generation of the table that the worker obeys.", "worker")
WORKER_LAG = gauge("edge_worker_table_lag", "Generations by which the worker is behind the newest table.", "worker")
REFUSALS = counter(
    "edge_table_refusals_total", "Tables, or records of one, that workers found damaged or of another version."
)

PROCESSES = Section(
    "Workers",
    "`worker` is the number of its slot, which its successor takes over. After its end only restarts are reported.",
    (
        WORKERS,
        RESTARTS,
        WORKER_STARTED,
        HEARTBEAT,
        WORKER_CPU,
        WORKER_RESIDENT,
        WORKER_VIRTUAL,
        WORKER_CONNECTIONS,
        WORKER_GENERATION,
        WORKER_LAG,
        REFUSALS,
    ),
)

# --- control plane ----------------------------------------------------------------------------------------------------

BUILD = gauge("edge_build_info", "The version of Edge.", "version")
GENERATION = gauge("edge_table_generation", "Generation of the newest table.")
LAST_CHANGE = gauge("edge_table_last_change_timestamp_seconds", "When the newest table was published, Unix time.")
PUBLICATIONS = counter("edge_table_publications_total", "Tables published by this control plane.")
FAILURES = counter("edge_table_publish_failures_total", "Tables that could not be published.")
FAILED = gauge("edge_table_publish_failed", "Whether the newest table could not be published (1) or was (0).")
HOSTS = gauge("edge_table_hosts", "Host names in the table.")
TABLE_ROUTES = gauge("edge_table_routes", "Routes in the table.")
OBJECTS = gauge("edge_objects", "Kubernetes objects known, by kind.", "kind")
SERVED = gauge("edge_ingresses_served", "Ingresses of our class.")
PROBLEMS = gauge("edge_problems", "Problems of objects, as edge check prints them.", "severity", "reason")
SYNCED = gauge("edge_kind_synced", "Whether all objects of a kind have been read (1) or not (0).", "kind")
EXPIRY = gauge(
    "edge_certificate_expiry_timestamp_seconds",
    "When the certificate expires, Unix time.",
    "namespace",
    "secret",
    "common_name",
    note="One for each certificate in the table; the generated default certificate has no namespace and secret.",
)
ENDPOINTS = gauge(
    "edge_service_endpoints",
    "Usable endpoints of a Service's port that a route names.",
    "namespace",
    "service",
    "port",
    note="At most 10,000, those without endpoints first.",
)
WITHOUT_ENDPOINTS = gauge("edge_services_without_endpoints", "Ports of Services that routes name without an endpoint.")
LEADER = gauge("edge_leader", "Whether this instance writes the status of Ingresses (1) or not (0).")
REVIEWS = counter(
    "edge_admission_reviews_total", "Requests to the webhook: allowed, refused, or malformed (no review).", "verdict"
)
REVIEW_SECONDS = gauge("edge_admission_review_seconds", "Time that the webhook took for the last review.")
DRAINING = gauge("edge_draining", "Whether the proxy is about to end (1) or not (0).")
READY = gauge("edge_ready", "Whether /readyz says yes (1) or no (0).")
CONTROL_STARTED = gauge("edge_control_start_time_seconds", "When the control plane started, Unix time.")
CONTROL_CPU = counter("edge_control_cpu_seconds_total", "User and system time of the control plane.")
CONTROL_RESIDENT = gauge("edge_control_resident_memory_bytes", "Resident memory of the control plane.")

CONTROL = Section(
    "Control plane",
    "What the table is made from, and how.",
    (
        BUILD,
        GENERATION,
        LAST_CHANGE,
        PUBLICATIONS,
        FAILURES,
        FAILED,
        HOSTS,
        TABLE_ROUTES,
        OBJECTS,
        SERVED,
        PROBLEMS,
        SYNCED,
        EXPIRY,
        ENDPOINTS,
        WITHOUT_ENDPOINTS,
        LEADER,
        REVIEWS,
        REVIEW_SECONDS,
        DRAINING,
        READY,
        CONTROL_STARTED,
        CONTROL_CPU,
        CONTROL_RESIDENT,
    ),
)
