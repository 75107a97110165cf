"""Process-wide parameters of workers, as ingress-nginx's ConfigMap sets them.

Rules of this file:
- A field that has the name of a setting (`edge.settings`) takes its place while it is set; None: the setting of the
  worker applies. Any other field has its default here.
- Workers use new parameters from their generation on (`edge.data.process.tuning`), without a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import fields

from edge.table.access_logging import AccessLogging
from edge.table.record import Record

if TYPE_CHECKING:
    from edge.settings import Settings

PARAMETERS = "parameters:"
"""Key of the `Parameters` record, in the routes part; no host name has a colon."""
TLS_PARAMETERS = "p:"
"""Key of the `TlsParameters` record, in the tls part."""


class Parameters(Record, frozen=True):
    """Parameters of all connections and requests of a worker. Key: `PARAMETERS`."""

    client_header_timeout: float | None = None
    client_body_timeout: float | None = None
    keep_alive: float | None = None
    keep_alive_requests: int | None = None
    max_request_line: int | None = None
    max_header_size: int | None = None
    use_http2: bool | None = None
    http2_max_concurrent_streams: int | None = None
    use_proxy_protocol: bool | None = None
    proxy_protocol_header_timeout: float | None = None
    use_forwarded_headers: bool | None = None
    proxy_real_ip_cidr: tuple[str, ...] | None = None
    compute_full_forwarded_for: bool | None = None
    enable_underscores_in_headers: bool | None = None
    upstream_keepalive_connections: int | None = None
    upstream_keepalive_timeout: float | None = None
    shutdown_grace: float | None = None
    max_worker_connections: int | None = None
    log_level: str | None = None
    log_format_stream: str | None = None
    enable_opentelemetry: bool | None = None
    otlp_endpoint: str | None = None
    opentelemetry_trust_incoming_span: bool | None = None
    otel_service_name: str | None = None
    otel_sampler_ratio: float | None = None
    as_ingress_nginx: bool = False
    """Whether settings that neither a flag nor a key sets have the defaults of ingress-nginx (`INGRESS_NGINX`)."""
    # --- what no setting has ---
    large_header_status: int = 431
    """The answer to a request whose head is too large."""
    enable_real_ip: bool = False
    """Whether only the client's address is read from fields of trusted peers."""
    forwarded_for_header: str = "x-forwarded-for"
    forwarded_host_header: str = "x-forwarded-host"
    """Names, in lower case, of the fields with that address."""
    otel_operation_name: str = ""
    """The name of spans; empty: method, host and path of the route."""
    otel_sampler_parent_based: bool = True
    """Whether the sampling decision of a client's trace is kept."""
    otel_max_queue_size: int = 2048
    otel_schedule_delay_millis: int = 1000
    otel_max_export_batch_size: int = 512
    """How many spans may wait to be sent, and for how long, and how many are sent at once."""
    sends_server: bool = True
    """Whether responses without a field Server get one."""
    access_logging: AccessLogging = AccessLogging()
    upstream_keepalive_requests: int = 10_000
    upstream_keepalive_time: float = 3600.0
    """Requests and seconds after which a connection to an endpoint is closed, so that connections to a Service's own
    address are balanced again (nginx's defaults)."""

    def over(self, started: Settings) -> Settings:
        """The settings in force in a process that was STARTED with these."""
        changes = {name: value for name in SETTINGS if (value := getattr(self, name)) is not None}
        if self.as_ingress_nginx:
            theirs = {name: value for name, value in INGRESS_NGINX.items() if _is_default(started, name)}
            changes = theirs | changes
        return started.with_(**changes)


INGRESS_NGINX: Final[dict[str, object]] = {
    "keep_alive_requests": 1000,
    "otel_sampler_ratio": 1.0,
    "otel_service_name": "nginx",
    "shutdown_grace": 240.0,
}
"""Settings with other defaults in ingress-nginx, and these defaults."""


def _is_default(settings: Settings, name: str) -> bool:
    return bool(getattr(settings, name) == type(settings).__dataclass_fields__[name].default)


SETTINGS = tuple(one.name for one in fields(Parameters) if one.default is None)
"""The fields that take the place of settings."""


class TlsParameters(Record, frozen=True):
    """Parameters of the handshakes of all hosts. Key: `TLS_PARAMETERS`."""

    least: int = 0x0303
    most: int = 0x0304
    """Versions of TLS, both included, as its messages have them (RFC 8446, section 4.2.1)."""
    ciphers: str = ""
    """Of TLS 1.2, as ciphers(1) writes them; empty: Edge's own list."""
    curves: str = ""
    """Names with colons between them, the preferred first; empty: OpenSSL's own list."""
    dh_parameters: bytes = b""
    """Of Diffie-Hellman, PEM; empty: no suite that needs them is used."""
    tickets: bool = True
    """Whether sessions are resumed by tickets."""
    ticket_key: bytes = b""
    """80 bytes that encrypt tickets; empty: the first of the `TicketKeys`."""
    session_cache: bool = True
    session_cache_size: int = 10 << 20
    """Whether sessions without tickets are kept, and for how many bytes in each worker and context."""
    session_timeout: float = 600.0
    """Seconds for which a session can be resumed."""
    reject_unknown: bool = False
    """Whether handshakes for unknown server names are rejected with an alert."""
