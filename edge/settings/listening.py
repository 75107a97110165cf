"""Where Edge listens."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import CONTROL, PROXY, setting

LOOKING = (*CONTROL, "top")
"""Commands that serve the admin port, or ask it."""


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where Edge listens."""

    http: tuple[str, ...] = setting(
        ("0.0.0.0:8080", "[::]:8080"), "Listen for plain HTTP here.", placeholder="ADDR:PORT", commands=PROXY
    )
    https: tuple[str, ...] = setting(
        ("0.0.0.0:8443", "[::]:8443"), "Listen for HTTPS here.", placeholder="ADDR:PORT", commands=PROXY
    )
    public_http_port: int = setting(
        0,
        "Port at which clients reach --http, if a Service or a port of the node leads to it: for X-Forwarded-Port, and"
        " for redirects that name a port (0: that of --http).",
        placeholder="PORT",
        commands=PROXY,
        most=65535,
    )
    public_https_port: int = setting(
        0,
        "Port at which clients reach --https, if a Service or a port of the node leads to it: for redirects from http"
        " that name a port (0: that of --https).",
        placeholder="PORT",
        commands=PROXY,
        most=65535,
    )
    admin: str = setting(
        "0.0.0.0:10254",
        "Address of the page, /api, /metrics, /healthz and /readyz.",
        placeholder="ADDR:PORT",
        commands=LOOKING,
    )
    admin_token_file: str = setting(
        "",
        "Show the page and /api only to clients with a token of this file, which has one a line and may be replaced"
        " (default: only to clients on this machine).",
        placeholder="FILE",
        commands=LOOKING,
    )
    admin_certificate: str = setting(
        "",
        "Serve the admin address over TLS with this certificate and chain (PEM); a file that is replaced is in force"
        " for new connections.",
        placeholder="FILE",
        commands=LOOKING,
    )
    admin_key: str = setting("", "Private key of --admin-certificate (PEM).", placeholder="FILE", commands=CONTROL)
    admin_client_ca: str = setting(
        "",
        "Show the page and /api only to clients with a certificate of these authorities (PEM).",
        placeholder="FILE",
        commands=CONTROL,
    )
    admin_protects_metrics: bool = setting(
        False, "Require a token or certificate for /metrics, too; otherwise it is open to all.", commands=CONTROL
    )
