"""Every setting of Edge, defined once: command line, environment, documentation and code all come from here.

A setting is a field of `Settings` with its help text, its placeholder and the commands that take it. Its flag is the
field's name with dashes, its environment variable the same in capitals after `EDGE_`; the flag wins. Where
ingress-nginx has a flag for the same thing, its name is used.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALL = ("run", "control", "proxy")
CONTROL = ("run", "control")
TRANSLATION = ("run", "control", "check")
PROXY = ("run", "proxy")


SECTIONS = {
    "manifests": "What to serve",
    "http": "Listening",
    "tcp_services_configmap": "TCP and UDP services",
    "workers": "Processes",
    "access_log": "Logs",
    "enable_metrics": "Metrics",
    "enable_opentelemetry": "Tracing",
    "ssl_redirect": "Redirects and headers",
    "proxy_body_size": "Bodies",
    "client_header_timeout": "Limits of the wire",
    "publish_service": "Answering back to the cluster",
}
"""First field of each group of settings to the group's title, for `--help` and documentation."""


def setting(
    default: Any,
    text: str,
    *,
    placeholder: str = "",
    commands: tuple[str, ...] = ALL,
    choices: tuple[str, ...] = (),
    least: float = 0,
    most: float = math.inf,
) -> Any:
    """A field of `Settings`; a tuple as DEFAULT makes the flag repeatable (in the environment: comma separated).

    LEAST and MOST are for numbers.
    """
    metadata = {
        "help": text,
        "placeholder": placeholder,
        "commands": commands,
        "choices": choices,
        "least": least,
        "most": most,
    }
    return field(default=default, metadata=metadata)


LARGEST_HEAD = 60 << 10
"""Bytes that a head may have at most: it must fit into one buffer, with room for what Edge adds."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process tree of Edge."""

    # --- what to serve ---
    manifests: tuple[str, ...] = setting(
        (),
        "Read Kubernetes objects from this file or folder and follow its changes; no cluster is contacted.",
        placeholder="PATH",
        commands=CONTROL,
    )
    kubeconfig: str = setting(
        "",
        "Kubeconfig of the cluster to watch (default: $KUBECONFIG, else the pod's service account).",
        placeholder="FILE",
        commands=TRANSLATION,
    )
    apiserver_host: str = setting(
        "",
        "URL of the API server, in place of that of the kubeconfig or of the pod.",
        placeholder="URL",
        commands=TRANSLATION,
    )
    certificate_authority: str = setting(
        "",
        "Certificates (PEM) that verify the API server of --apiserver-host.",
        placeholder="FILE",
        commands=TRANSLATION,
    )
    watch_namespace: str = setting(
        "", "Watch only this namespace (default: all).", placeholder="NAMESPACE", commands=TRANSLATION
    )
    watch_namespace_selector: str = setting(
        "", "Watch only namespaces with these labels.", placeholder="SELECTOR", commands=CONTROL
    )
    ingress_class: str = setting(
        "edge",
        "Value of the annotation kubernetes.io/ingress.class that selects an Ingress for Edge; also the name of the"
        " IngressClass served without an IngressClass object.",
        placeholder="NAME",
        commands=TRANSLATION,
    )
    controller_class: str = setting(
        "edge.ingress/controller",
        "spec.controller of the IngressClasses that Edge serves.",
        placeholder="NAME",
        commands=TRANSLATION,
    )
    ingress_class_by_name: bool = setting(
        False, "Serve the IngressClass named by --ingress-class whatever its spec.controller is.", commands=TRANSLATION
    )
    watch_ingress_without_class: bool = setting(False, "Also serve Ingresses that name no class.", commands=TRANSLATION)
    configmap: str = setting(
        "",
        "Go by the keys of this ConfigMap, as ingress-nginx does, over the other settings; a change is in force at the"
        " next request.",
        placeholder="NS/NAME",
        commands=TRANSLATION,
    )
    annotations_prefix: str = setting(
        "nginx.ingress.kubernetes.io",
        "Prefix of the annotations of Ingresses, without its slash.",
        placeholder="PREFIX",
        commands=TRANSLATION,
    )
    disable_catch_all: bool = setting(False, "Do not serve Ingresses with a spec.defaultBackend.", commands=TRANSLATION)
    default_ssl_certificate: str = setting(
        "",
        "Secret with the certificate for hosts that have none (default: a self-signed one).",
        placeholder="NS/NAME",
        commands=TRANSLATION,
    )
    default_backend_service: str = setting(
        "",
        "Service that answers requests which no Ingress takes, by its first port (default: 404).",
        placeholder="NS/NAME",
        commands=TRANSLATION,
    )
    health_check_path: str = setting(
        "/healthz",
        "Answer 200 to this path on the traffic ports, for probes of load balancers, on hosts that no Ingress names;"
        " on the admin address it is another name of /healthz.",
        placeholder="/PATH",
        commands=ALL,
    )
    gateway_addresses: tuple[str, ...] = setting(
        (),
        "Give each Gateway an address of its own out of this block, or of these addresses, and listen there at the"
        " ports of its listeners (default: all Gateways share the addresses of --http and --https).",
        placeholder="CIDR,...",
        commands=TRANSLATION,
    )
    disable_svc_external_name: bool = setting(
        False, "Answer 503 for Services of type ExternalName.", commands=TRANSLATION
    )
    allow_cross_namespace_resources: bool = setting(
        False,
        "Let annotations name Secrets and ConfigMaps of other namespaces than their Ingress's.",
        commands=TRANSLATION,
    )
    allow_snippet_annotations: bool = setting(
        False,
        "Carry out snippets, as far as Edge knows their directives; the others close their routes.",
        commands=TRANSLATION,
    )
    enable_topology_aware_routing: bool = setting(
        False, "Use the endpoints that the hints of EndpointSlices name for our zone.", commands=TRANSLATION
    )
    zone: str = setting(
        "",
        "That zone (default: topology.kubernetes.io/zone of the pod's node).",
        placeholder="ZONE",
        commands=TRANSLATION,
    )
    annotations_risk_level: str = setting(
        "",
        "Refuse Ingresses with an annotation above this level of ingress-nginx (default: none for its level alone).",
        choices=("Low", "Medium", "High", "Critical"),
        commands=TRANSLATION,
    )
    annotation_value_word_blocklist: tuple[str, ...] = setting(
        (),
        "Refuse Ingresses with an annotation in whose value this word stands.",
        placeholder="WORD",
        commands=TRANSLATION,
    )
    deep_inspect: bool = setting(
        True, "Have the webhook refuse hosts and paths that look like configuration of nginx.", commands=CONTROL
    )
    strict_validate_path_type: bool = setting(
        True,
        "Have the webhook refuse paths of type Exact or Prefix with anything but letters, digits and / . _ -.",
        commands=CONTROL,
    )
    sync_timeout: float = setting(
        60.0,
        "Publish the first table after this time even if some kinds could not be listed yet.",
        placeholder="SECONDS",
        commands=CONTROL,
    )
    # --- listening ---
    http: tuple[str, ...] = setting(
        ("0.0.0.0:8080", "[::]:8080"), "Listen for plain HTTP here.", placeholder="ADDR:PORT", commands=PROXY
    )
    https: tuple[str, ...] = setting(
        ("0.0.0.0:8443", "[::]:8443"), "Listen for HTTPS here.", placeholder="ADDR:PORT", commands=PROXY
    )
    admin: str = setting(
        "0.0.0.0:10254", "Serve /metrics, /healthz and /readyz here.", placeholder="ADDR:PORT", commands=CONTROL
    )
    # --- streams ---
    tcp_services_configmap: str = setting(
        "",
        "ConfigMap with TCP ports to open and the Services behind them"
        ' ("9000": "NAMESPACE/SERVICE:PORT[:PROXY][:PROXY]").',
        placeholder="NS/NAME",
        commands=TRANSLATION,
    )
    udp_services_configmap: str = setting(
        "",
        'ConfigMap with UDP ports to open and the Services behind them ("53": "NAMESPACE/SERVICE:PORT").',
        placeholder="NS/NAME",
        commands=TRANSLATION,
    )
    enable_ssl_passthrough: bool = setting(
        False,
        "Pass TLS on by its server name, without ending it, for hosts of Ingresses with ssl-passthrough.",
        commands=TRANSLATION,
    )
    bind_address: tuple[str, ...] = setting(
        ("0.0.0.0", "::"),
        "Open the ports of TCP and UDP services at this address.",
        placeholder="ADDR",
        commands=TRANSLATION,
    )
    stream_load_balance: str = setting(
        "round_robin",
        "How connections and sessions of TCP and UDP services are spread over the endpoints: in turn, to the one of two"
        " with fewer of them, or by the client's address.",
        choices=("round_robin", "least_conn", "client_address"),
        commands=TRANSLATION,
    )
    proxy_stream_timeout: float = setting(
        600.0,
        "Longest silence in both directions of a TCP connection or UDP session.",
        placeholder="SECONDS",
        commands=TRANSLATION,
        least=0.001,
    )
    proxy_stream_connect_timeout: float = setting(
        5.0,
        "Time for an endpoint to take a TCP connection.",
        placeholder="SECONDS",
        commands=TRANSLATION,
        least=0.001,
    )
    proxy_stream_next_upstream: bool = setting(
        True, "Try another endpoint where one does not take a TCP connection.", commands=TRANSLATION
    )
    proxy_stream_next_upstream_timeout: float = setting(
        600.0, "Time after which no other one is tried; 0: no limit.", placeholder="SECONDS", commands=TRANSLATION
    )
    proxy_stream_next_upstream_tries: int = setting(
        3, "Endpoints that are tried; 0: all.", placeholder="N", commands=TRANSLATION
    )
    proxy_stream_responses: int = setting(
        1,
        "Datagrams with which an endpoint answers one of a client; then the UDP session ends (-1: by silence alone).",
        placeholder="N",
        commands=TRANSLATION,
        least=-1,
    )
    validating_webhook: str = setting(
        "",
        "Serve the validating admission webhook here, over TLS (default: there is none).",
        placeholder="ADDR:PORT",
        commands=CONTROL,
    )
    validating_webhook_certificate: str = setting(
        "",
        "Its certificate and chain (PEM); a file that is replaced is in force for new connections.",
        placeholder="FILE",
        commands=CONTROL,
    )
    validating_webhook_key: str = setting("", "The key of that (PEM).", placeholder="FILE", commands=CONTROL)
    validating_webhook_client_ca: str = setting(
        "",
        "Accept only requests to the webhook with a client certificate of these authorities (PEM); an API server can"
        " be configured to send one.",
        placeholder="FILE",
        commands=CONTROL,
    )
    # --- processes ---
    workers: str = setting(
        "auto",
        "Number of worker processes; auto follows the cgroup's CPU limit, else the processors available.",
        placeholder="auto|N",
        commands=PROXY,
    )
    worker_timeout: int = setting(
        30, "Replace a worker that has given no sign of life for this time.", placeholder="SECONDS", commands=ALL
    )
    shm_dir: str = setting(
        "",
        "Directory of the table's files (default for run: a fresh private one in /dev/shm).",
        placeholder="DIR",
        commands=(*ALL, "routes"),
    )
    temp_dir: str = setting(
        "",
        "Directory for temporary files with bodies (default: $TMPDIR, else /tmp).",
        placeholder="DIR",
        commands=PROXY,
    )
    max_temp_size: int = setting(
        4 << 30,
        "Bytes that the temporary files of a worker hold; requests that need more are answered 503. 0: no limit.",
        placeholder="BYTES",
        commands=PROXY,
        least=0,
    )
    shutdown_grace: float = setting(
        30.0, "Time that requests in flight get to finish after SIGTERM.", placeholder="SECONDS", commands=PROXY
    )
    websocket_shutdown_grace: float = setting(
        0.0,
        "Time that WebSockets and other upgraded connections go on after SIGTERM (0: as --shutdown-grace).",
        placeholder="SECONDS",
        commands=PROXY,
    )
    pre_stop_delay: float = setting(
        0.0,
        "After SIGTERM go on accepting for this long while /readyz already says no.",
        placeholder="SECONDS",
        commands=ALL,
    )
    # --- logs ---
    access_log: bool = setting(True, "Write a line per request to standard output.", commands=PROXY)
    log_format: str = setting(
        "text",
        "Format of all logs: text (access lines as ingress-nginx writes them) or json.",
        choices=("text", "json"),
        commands=ALL,
    )
    log_format_stream: str = setting(
        "[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time",
        "Lines of TCP and UDP sessions in text logs, with the variables of nginx's stream module.",
        placeholder="TEXT",
        commands=PROXY,
    )
    log_level: str = setting(
        "info", "Least severe messages to log.", choices=("debug", "info", "warning", "error"), commands=ALL
    )
    # --- metrics ---
    enable_metrics: bool = setting(True, "Serve /metrics on the admin address.", commands=CONTROL)
    nginx_metrics: bool = setting(
        True, "Also serve metrics under the names of ingress-nginx, for its dashboards and alerts.", commands=CONTROL
    )
    metrics_per_host: bool = setting(
        True, "Give metrics under the names of ingress-nginx the label `host`.", commands=CONTROL
    )
    report_status_classes: bool = setting(
        False, "Count requests by the class of their status (2xx) instead of the status.", commands=CONTROL
    )
    exclude_socket_metrics: tuple[str, ...] = setting(
        (),
        "Leave out this metric of ingress-nginx (without its prefix).",
        placeholder="NAME",
        choices=(
            "requests",
            "request_duration_seconds",
            "response_duration_seconds",
            "header_duration_seconds",
            "connect_duration_seconds",
            "request_size",
            "response_size",
            "bytes_sent",
        ),
        commands=CONTROL,
    )
    max_metric_series: int = setting(
        50_000,
        "Combinations of route, method and status that a worker counts apart; further routes are counted together.",
        placeholder="N",
        commands=PROXY,
    )
    # --- tracing ---
    enable_opentelemetry: bool = setting(
        False, "Make a span of each request that is sampled and send it to --otlp-endpoint.", commands=PROXY
    )
    otlp_endpoint: str = setting(
        "http://localhost:4318/v1/traces",
        "Collector that takes spans by OTLP over HTTP.",
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
        True, "With tracing, go on with the trace of the client's traceparent, and with its choice.", commands=PROXY
    )
    # --- redirects and headers ---
    ssl_redirect: bool = setting(
        True,
        "Send plain http requests for hosts with TLS to https (308) unless an annotation says otherwise.",
        commands=TRANSLATION,
    )
    global_allowed_response_headers: tuple[str, ...] = setting(
        (),
        "Response header field that a ConfigMap named by the annotation custom-headers may set.",
        placeholder="NAME",
        commands=TRANSLATION,
    )
    hsts: bool = setting(True, "Send Strict-Transport-Security on https responses.", commands=TRANSLATION)
    use_forwarded_headers: bool = setting(
        False,
        "Trust X-Forwarded-For, -Host, -Port and -Proto of peers in --proxy-real-ip-cidr, and pass on other fields by"
        " which proxies describe the client.",
        commands=PROXY,
    )
    proxy_real_ip_cidr: tuple[str, ...] = setting(
        ("0.0.0.0/0", "::/0"),
        "Peers whose forwarded headers and PROXY protocol are trusted.",
        placeholder="CIDR",
        commands=PROXY,
    )
    compute_full_forwarded_for: bool = setting(
        False, "Append the peer to X-Forwarded-For instead of replacing it.", commands=PROXY
    )
    send_forwarded_header: bool = setting(
        False, "Send endpoints the client's address, host and scheme also as Forwarded (RFC 7239).", commands=PROXY
    )
    pass_cdn_headers: bool = setting(
        True,
        "Pass True-Client-IP, CF-Connecting-IP and other fields that a CDN sets for its origin, from any client.",
        commands=PROXY,
    )
    use_proxy_protocol: bool = setting(
        False, "Every connection must begin with a PROXY protocol header, version 1 or 2.", commands=PROXY
    )
    enable_underscores_in_headers: bool = setting(
        False, "Pass request headers with underscores in their names instead of dropping them.", commands=PROXY
    )
    # --- bodies ---
    proxy_body_size: str = setting(
        "1m",
        "Largest request body of an Ingress's routes (413 above it); 0: no limit.",
        placeholder="SIZE",
        commands=TRANSLATION,
    )
    proxy_request_buffering: str = setting(
        "on",
        "Read request bodies before an endpoint is asked, so that they can be sent again (off: pass them on as they"
        " come).",
        choices=("on", "off"),
        commands=TRANSLATION,
    )
    client_body_buffer_size: str = setting(
        "32k",
        "Bytes of such a body that are kept in memory; the rest goes to a temporary file.",
        placeholder="SIZE",
        commands=TRANSLATION,
    )
    proxy_buffering: str = setting(
        "off",
        "Read responses ahead of clients that are slower than the endpoint, which is so free sooner.",
        choices=("on", "off"),
        commands=TRANSLATION,
    )
    proxy_buffers_number: int = setting(
        4,
        "Buffers of --proxy-buffer-size that such a response may fill in memory; less than 64k count as 64k.",
        placeholder="N",
        commands=TRANSLATION,
        least=1,
    )
    proxy_buffer_size: str = setting(
        "",
        "Largest response head taken from an endpoint of an Ingress (502 above it), and size of a buffer (default:"
        " --max-response-header-size, and 4k).",
        placeholder="SIZE",
        commands=TRANSLATION,
    )
    proxy_max_temp_file_size: str = setting(
        "1024m",
        "Bytes of such a response that may wait in a temporary file; 0: none.",
        placeholder="SIZE",
        commands=TRANSLATION,
    )
    # --- limits of the wire ---
    client_header_timeout: float = setting(
        60.0, "Time for a client to send a request head.", placeholder="SECONDS", commands=PROXY, least=0.001
    )
    client_body_timeout: float = setting(
        60.0, "Longest silence of a client within a request body.", placeholder="SECONDS", commands=PROXY
    )
    keep_alive: float = setting(
        75.0, "Time that an idle client connection is kept.", placeholder="SECONDS", commands=PROXY
    )
    keep_alive_requests: int = setting(
        0, "Requests after which a client connection is closed; 0: no limit.", placeholder="N", commands=PROXY
    )
    use_http2: bool = setting(
        True, "Speak HTTP/2 too: over TLS by ALPN, in plain text to clients that begin with it.", commands=PROXY
    )
    http2_max_concurrent_streams: int = setting(
        128,
        "Requests of one HTTP/2 connection at a time (REFUSED_STREAM above it).",
        placeholder="N",
        commands=PROXY,
        least=1,
    )
    upstream_keepalive_timeout: float = setting(
        60.0, "Time that an idle connection to an endpoint is kept.", placeholder="SECONDS", commands=PROXY
    )
    upstream_keepalive_connections: int = setting(
        320, "Idle connections to endpoints kept by each worker.", placeholder="N", commands=PROXY
    )
    max_request_line: int = setting(
        8192, "Longest request line (414 above it).", placeholder="BYTES", commands=PROXY, least=1
    )
    max_header_size: int = setting(
        32768,
        "Largest request head (431 above it).",
        placeholder="BYTES",
        commands=PROXY,
        least=1,
        most=LARGEST_HEAD,
    )
    max_headers: int = setting(
        128, "Most header fields of a request (431 above it).", placeholder="N", commands=PROXY, least=1
    )
    max_response_header_size: int = setting(
        32768,
        "Largest response head taken from an endpoint (502 above it).",
        placeholder="BYTES",
        commands=PROXY,
        least=1,
        most=LARGEST_HEAD,
    )
    max_worker_connections: int = setting(
        16384, "Client connections of one worker (503 above it).", placeholder="N", commands=PROXY, least=1
    )
    proxy_protocol_header_timeout: float = setting(
        5.0,
        "Time for a PROXY protocol header to arrive.",
        placeholder="SECONDS",
        commands=PROXY,
        least=0.001,
    )
    tls_handshake_timeout: float = setting(10.0, "Time for a TLS handshake.", placeholder="SECONDS", commands=PROXY)
    websocket_timeout: float = setting(
        3600.0,
        "Longest silence of an upgraded connection, where no proxy-read-timeout says otherwise.",
        placeholder="SECONDS",
        commands=PROXY,
    )
    # --- answering back to the cluster ---
    publish_service: str = setting(
        "",
        "Copy the addresses of this Service to the status of served Ingresses.",
        placeholder="NS/NAME",
        commands=CONTROL,
    )
    publish_status_address: str = setting(
        "",
        "Addresses or names for the status of served Ingresses, comma separated.",
        placeholder="ADDRESS",
        commands=CONTROL,
    )
    report_node_internal_ip_address: bool = setting(
        False, "Report internal rather than external node addresses.", commands=CONTROL
    )
    update_status: bool = setting(True, "Write the status of served Ingresses.", commands=CONTROL)
    update_status_on_shutdown: bool = setting(
        True, "Take our addresses out of the status when the last instance ends.", commands=CONTROL
    )
    election_id: str = setting(
        "edge-ingress-leader", "Name of the Lease that elects who writes status.", placeholder="NAME", commands=CONTROL
    )
    election_ttl: float = setting(
        15.0,
        "Time after which another instance takes over from a leader that is not heard of.",
        placeholder="SECONDS",
        commands=CONTROL,
        least=3,
    )
    election_namespace: str = setting(
        "",
        "Namespace of that Lease (default: $POD_NAMESPACE, else that of the service account or the kubeconfig).",
        placeholder="NAMESPACE",
        commands=CONTROL,
    )
    events: bool = setting(True, "Report problems as Events of the Ingress.", commands=CONTROL)

    def with_(self, **changes: Any) -> Settings:
        """A copy with CHANGES."""
        return dataclasses.replace(self, **changes)

    @property
    def tunnel_grace(self) -> float:
        """`websocket_shutdown_grace` as it is in force."""
        return self.websocket_shutdown_grace or self.shutdown_grace

    @property
    def table_directory(self) -> Path:
        """`shm_dir` as a path."""
        return Path(self.shm_dir)
