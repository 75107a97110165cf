"""How the endpoints of a Service's port are spoken to (Kubernetes docs, Service, "Application protocol"; GEP-1911)."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from edge.table.records import Backend, Protocol, Tls, Transport

H2C: Final = "kubernetes.io/h2c"
WEBSOCKET_TLS: Final = "kubernetes.io/wss"
WITH_TLS: Final = frozenset({"https", WEBSOCKET_TLS})


def transport(app_protocol: str, tls: Tls | None = None) -> Transport:
    """The transport for APP_PROTOCOL; TLS: its terms, where the endpoints are to be spoken to by TLS.

    WebSocket begins as HTTP/1.1 (RFC 6455), and so do protocols that are not known.
    """
    return Transport(Protocol.HTTP2 if app_protocol == H2C else Protocol.HTTP1, tls)


def spoken(backend: Backend, app_protocol: str, tls: Tls) -> Backend:
    """BACKEND, for which no transport has been asked, as APP_PROTOCOL of its port says; TLS: the terms where that is
    one with TLS."""
    made = transport(app_protocol, tls if app_protocol.lower() in WITH_TLS else None)
    return replace(backend, transport=made) if made != backend.transport else backend
