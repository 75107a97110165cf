"""The transport to endpoints by `appProtocol` (Kubernetes docs, Service, "Application protocol"; GEP-1911)."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from edge.table.records import Backend, Protocol, Tls, Transport

H2C: Final = "kubernetes.io/h2c"
WEBSOCKET_TLS: Final = "kubernetes.io/wss"
WITH_TLS: Final = frozenset({"https", WEBSOCKET_TLS})


def transport(app_protocol: str, tls: Tls | None = None) -> Transport:
    """The transport for APP_PROTOCOL; TLS: the terms if endpoints use TLS. WebSocket begins as HTTP/1.1 (RFC 6455),
    which is also used for unknown protocols.
    """
    return Transport(Protocol.HTTP2 if app_protocol == H2C else Protocol.HTTP1, tls)


def spoken(backend: Backend, app_protocol: str, tls: Tls) -> Backend:
    """BACKEND, for which no transport has been asked, as APP_PROTOCOL of its port says; TLS: the terms where that is
    one with TLS."""
    made = transport(app_protocol, tls if app_protocol.lower() in WITH_TLS else None)
    return replace(backend, transport=made) if made != backend.transport else backend
