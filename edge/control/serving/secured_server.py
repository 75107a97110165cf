"""A bounded server that may speak TLS."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, Any

from edge.control.serving.bounded_server import BoundedServer

if TYPE_CHECKING:
    import socket
    from http.server import BaseHTTPRequestHandler

    from edge.control.serving.identity import Identity

HANDSHAKE_SECONDS = 5.0

logger = logging.getLogger(__name__)


class SecuredServer(BoundedServer):
    """Speaks TLS by an identity, or plain HTTP without one."""

    def __init__(
        self, sock: socket.socket, handler: type[BaseHTTPRequestHandler], identity: Identity | None = None
    ) -> None:
        """SOCK listens already."""
        super().__init__(sock, handler)
        self._identity = identity

    def verified(self, connection: socket.socket) -> bool:
        """Whether the client of CONNECTION has shown a certificate of the authorities."""
        return isinstance(connection, ssl.SSLSocket) and bool(connection.getpeercert())

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The TLS handshake is the thread's first work, so that a slow one holds up nobody else."""
        if self._identity is None:
            super().process_request_thread(request, client_address)
            return
        context = self._identity.context()
        if context is None:
            self.shutdown_request(request)
            return
        wrapped = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        self.becomes(request, wrapped)
        try:
            wrapped.settimeout(HANDSHAKE_SECONDS)
            wrapped.do_handshake()
        except OSError as error:
            logger.debug("client %s: TLS handshake: %s", client_address[0], error)
            self.shutdown_request(wrapped)
            return
        super().process_request_thread(wrapped, client_address)
