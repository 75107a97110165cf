"""Connections and datagrams without HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import TRANSLATION, setting


@dataclass(frozen=True, kw_only=True)
class Streams:
    """Connections and datagrams without HTTP."""

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
        "Pass TLS through by its server name, without terminating it, for hosts of Ingresses with ssl-passthrough.",
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
        "Time for an endpoint to accept a TCP connection.",
        placeholder="SECONDS",
        commands=TRANSLATION,
        least=0.001,
    )
    proxy_stream_next_upstream: bool = setting(
        True, "Try another endpoint if one does not accept a TCP connection.", commands=TRANSLATION
    )
    proxy_stream_next_upstream_timeout: float = setting(
        600.0,
        "Time after which Edge tries no further endpoint; 0: no limit.",
        placeholder="SECONDS",
        commands=TRANSLATION,
    )
    proxy_stream_next_upstream_tries: int = setting(
        3, "Endpoints that Edge tries for a TCP connection; 0: all.", placeholder="N", commands=TRANSLATION
    )
    proxy_stream_responses: int = setting(
        1,
        "Datagrams with which an endpoint answers one of a client; then the UDP session ends (-1: by silence alone).",
        placeholder="N",
        commands=TRANSLATION,
        least=-1,
    )
