"""The metrics of ingress-nginx that Edge serves under the same names, so that its dashboards and alerts go on working.

Left out are `header_duration_seconds` and `connect_duration_seconds` (not measured apart), `bytes_sent` (deprecated,
the same as `response_size`), those of its admission webhook about rendering, and those of the Go run-time.
"""

from __future__ import annotations

from edge.control.serving.metrics.definitions import Definition, Kind, Section

PREFIX = "nginx_ingress_controller_"
INSTANCE = ("controller_namespace", "controller_class", "controller_pod")
"""Labels of every metric: $POD_NAMESPACE, --controller-class, $POD_NAME or else the host name."""
REQUEST = ("namespace", "ingress", "service", "host", "path", "canary", "method", "status")
"""Labels of what is counted per request; `host` is left out by --no-metrics-per-host."""


def _metric(kind: Kind, name: str, text: str, *labels: str, bare: bool = False) -> Definition:
    return Definition(PREFIX + name, kind, text, (*labels, *INSTANCE), bare=bare)


# --- per request ------------------------------------------------------------------------------------------------------

REQUESTS = _metric("counter", "requests", "Requests answered.", *REQUEST, bare=True)
DURATION = _metric(
    "histogram", "request_duration_seconds", "Time from the head of a request to the end of its response.", *REQUEST
)
RESPONSE = _metric(
    "histogram", "response_duration_seconds", "Time from asking an endpoint to the end of its response.", *REQUEST
)
REQUEST_SIZE = _metric("histogram", "request_size", "Bytes of a request.", *REQUEST)
RESPONSE_SIZE = _metric("histogram", "response_size", "Bytes of a response.", *REQUEST)

SOCKET = (REQUESTS, DURATION, RESPONSE, REQUEST_SIZE, RESPONSE_SIZE)
"""The metrics that --exclude-socket-metrics can leave out."""

# --- process ----------------------------------------------------------------------------------------------------------

CONNECTIONS = _metric("gauge", "nginx_process_connections", "Open connections of clients by state.", "state")
CONNECTIONS_TOTAL = _metric(
    "counter", "nginx_process_connections_total", "Connections accepted and handled.", "state", bare=True
)
"""`bare` as its family would have the name of the one above."""
REQUESTS_TOTAL = _metric("counter", "nginx_process_requests_total", "Requests, those that no route took included.")
PROCESSES = _metric("gauge", "nginx_process_num_procs", "Worker processes that live.")
CPU = _metric("counter", "nginx_process_cpu_seconds_total", "User and system time of all workers.")
READ = _metric("counter", "nginx_process_read_bytes_total", "Bytes received from clients.")
WRITTEN = _metric("counter", "nginx_process_write_bytes_total", "Bytes sent to clients.")
RESIDENT = _metric("gauge", "nginx_process_resident_memory_bytes", "Resident memory of all workers.")
VIRTUAL = _metric("gauge", "nginx_process_virtual_memory_bytes", "Virtual memory of all workers.")
OLDEST = _metric("gauge", "nginx_process_oldest_start_time_seconds", "When the oldest worker started, Unix time.")

# --- controller -------------------------------------------------------------------------------------------------------

BUILD = _metric("gauge", "build_info", "The version of Edge.", "release", "build", "repository")
HASH = _metric("gauge", "config_hash", "Generation of the newest table.")
RELOADED = _metric("gauge", "config_last_reload_successful", "Whether the newest table was published (1) or not (0).")
RELOAD_TIME = _metric(
    "gauge", "config_last_reload_successful_timestamp_seconds", "When the newest table was published, Unix time."
)
SUCCESS = _metric(
    "counter",
    "success",
    "Tables published with other routes, which ingress-nginx reloads for; not endpoints and certificates.",
    bare=True,
)
ERRORS = _metric("counter", "errors", "Tables that could not be published.", bare=True)
EXPIRY = _metric(
    "gauge",
    "ssl_expire_time_seconds",
    "When the certificate of a host expires, Unix time; host _ is the default certificate.",
    "namespace",
    "class",
    "host",
    "secret_name",
    "identifier",
)
CERTIFICATE = _metric(
    "gauge",
    "ssl_certificate_info",
    "The certificate of a host.",
    "namespace",
    "class",
    "host",
    "secret_name",
    "identifier",
    "issuer_organization",
    "issuer_common_name",
    "serial_number",
    "public_key_algorithm",
)
LEADER = _metric("gauge", "leader_election_status", "Whether this instance writes the status of Ingresses.", "name")
TESTED = _metric("gauge", "admission_tested_ingresses", "Ingresses that the webhook judged last: one.")
TESTED_DURATION = _metric("gauge", "admission_tested_duration", "Seconds that the webhook took for the last Ingress.")
ROUNDTRIP = _metric("gauge", "admission_roundtrip_duration", "The same.")
ORPHAN = _metric(
    "gauge",
    "orphan_ingress",
    "Ingresses with a backend that has no Service (no-service) or no endpoint (no-endpoint).",
    "namespace",
    "ingress",
    "type",
)

NGINX = Section(
    "Under the names of ingress-nginx",
    "All of them have the labels `controller_namespace` ($POD_NAMESPACE), `controller_class` (--controller-class) and "
    "`controller_pod` ($POD_NAME, else the host name). `path` and `host` are the Ingress's, not the request's. "
    "Requests that no Ingress takes are not in them unless `--no-metrics-per-host` is set. "
    "`--no-nginx-metrics` leaves all of them out.",
    (
        *SOCKET,
        CONNECTIONS,
        CONNECTIONS_TOTAL,
        REQUESTS_TOTAL,
        PROCESSES,
        CPU,
        READ,
        WRITTEN,
        RESIDENT,
        VIRTUAL,
        OLDEST,
        BUILD,
        HASH,
        RELOADED,
        RELOAD_TIME,
        SUCCESS,
        ERRORS,
        EXPIRY,
        CERTIFICATE,
        LEADER,
        TESTED,
        TESTED_DURATION,
        ROUNDTRIP,
        ORPHAN,
    ),
)
