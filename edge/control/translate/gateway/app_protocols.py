"""How the endpoints of a Service's port are spoken to (Kubernetes docs, Service, "Application protocol"; GEP-1911)."""

from __future__ import annotations

from typing import Final

from edge.table.records import Protocol, Tls, Transport

H2C: Final = "kubernetes.io/h2c"


def transport(app_protocol: str, tls: Tls | None = None) -> Transport:
    """The transport for APP_PROTOCOL; TLS: its terms, where the endpoints are to be spoken to by TLS.

    WebSocket begins as HTTP/1.1 (RFC 6455), and so do protocols that are not known.
    """
    return Transport(Protocol.HTTP2 if app_protocol == H2C else Protocol.HTTP1, tls)
