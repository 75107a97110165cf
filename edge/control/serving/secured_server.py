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
        """The TLS handshake is the thread's first work, so that a slow one holds up no other client."""
        if self._identity is not None:
            request = self._secured(request, client_address[0], self._identity)
        if request is not None:
            super().process_request_thread(request, client_address)

    def _secured(self, request: Any, client: str, identity: Identity) -> Any:
        """The connection REQUEST of CLIENT with TLS; None: there is none, and it is closed."""
        connection, done = request, False
        try:
            context = identity.context()
            if context is not None:
                # It raises where the client has reset the connection already.
                connection = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                self.becomes(request, connection)
                connection.settimeout(HANDSHAKE_SECONDS)
                connection.do_handshake()
                done = True
        except OSError as error:
            logger.debug("client %s: TLS handshake: %s", client, error)
        finally:
            if not done:
                self.shutdown_request(connection)
        return connection if done else None
