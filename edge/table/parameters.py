"""Process-wide parameters of workers, as ingress-nginx's ConfigMap sets them.

Rules of this file:
- A field that has the name of a setting (`edge.settings`) takes its place while it is set; None: what the worker was
  started with holds. Any other field has its default here.
- Workers take up new parameters with the generation that has them (`edge.data.process.tuning`): nothing restarts.
"""

from __future__ import annotations

from msgspec.structs import fields

from edge.table.record import Record

PARAMETERS = "parameters:"
"""Key of the `Parameters` record, in the routes part; no host name has a colon."""
TLS_PARAMETERS = "p:"
"""Key of the `TlsParameters` record, in the tls part."""


class Parameters(Record, frozen=True):
    """What all connections and requests of a worker go by. Key: `PARAMETERS`."""

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
    # --- what no setting has ---
    sends_server: bool = True
    """Whether responses without a field Server get one."""
    upstream_keepalive_requests: int = 10_000
    upstream_keepalive_time: float = 3600.0
    """Requests and seconds after which a connection to an endpoint is not kept, so that a Service's own address is
    balanced again now and then (nginx's defaults)."""

    def changes(self) -> dict[str, object]:
        """The settings that are set here, by name."""
        return {name: value for name in SETTINGS if (value := getattr(self, name)) is not None}


SETTINGS = tuple(one.name for one in fields(Parameters) if one.default is None)
"""The fields that take the place of settings."""


class TlsParameters(Record, frozen=True):
    """What the handshakes of all hosts have in common. Key: `TLS_PARAMETERS`."""

    least: int = 0x0303
    most: int = 0x0304
    """Versions of TLS, both included, as its messages have them (RFC 8446, section 4.2.1)."""
    ciphers: str = ""
    """Of TLS 1.2, as ciphers(1) writes them; empty: Edge's own list."""
