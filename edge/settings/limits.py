"""Times and sizes that a client or an endpoint may take."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import LARGEST_HEAD, PROXY, setting


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Times and sizes that a client or an endpoint may take."""

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
        320,
        "Idle connections to endpoints kept by each worker; more are kept for a second.",
        placeholder="N",
        commands=PROXY,
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
