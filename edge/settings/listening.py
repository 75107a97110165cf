"""Where Edge listens."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import CONTROL, PROXY, setting


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where Edge listens."""

    http: tuple[str, ...] = setting(
        ("0.0.0.0:8080", "[::]:8080"), "Listen for plain HTTP here.", placeholder="ADDR:PORT", commands=PROXY
    )
    https: tuple[str, ...] = setting(
        ("0.0.0.0:8443", "[::]:8443"), "Listen for HTTPS here.", placeholder="ADDR:PORT", commands=PROXY
    )
    admin: str = setting(
        "0.0.0.0:10254", "Serve /metrics, /healthz and /readyz here.", placeholder="ADDR:PORT", commands=CONTROL
    )
