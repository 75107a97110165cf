"""An HTTP server with threads that slow or silent clients cannot exhaust.

Rules of this file:
- A connection has limited time to send its request and to read the answer; then it is closed.
- Above the limit of connections the oldest is closed, preferably one that has sent no request yet.
"""

from __future__ import annotations

import logging
import math
import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from edge.system import addresses

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from edge.system.addresses import Address

MOST_CONNECTIONS = 32
HEAD_SECONDS = 5.0
"""Time for a client to send its request."""
IDLE_SECONDS = 90.0
"""Time for a client that keeps its connection to send a further request."""
ANSWER_SECONDS = 60.0
"""Time for it to read the whole answer."""
POLL = 0.2
"""Seconds between two checks for clients that are late."""

logger = logging.getLogger(__name__)


class Serving:
    """Runs a `BoundedServer` in threads of its own from `start` to `stop`; NAME is that of its first thread."""

    def __init__(self, address: Address, name: str) -> None:
        self.address = address
        """The address that it listens on; once started, with the port that the kernel chose if the setting is 0."""
        self._name = name
        self._server: BoundedServer | None = None
        self._thread: threading.Thread | None = None

    def server(self, sock: socket.socket) -> BoundedServer:
        """The server behind SOCK, which listens."""
        raise NotImplementedError

    def start(self) -> None:
        """Listen and serve.

        Raises:
            edge.system.addresses.ListenError: the address cannot be listened on.
        """
        self._server = self.server(addresses.listen(self.address, backlog=128))
        self.address = addresses.of(self._server.socket.getsockname())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,), name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and close open connections."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut_off()
            self._thread.join()


class BoundedServer(ThreadingHTTPServer):
    """Threads and connections, both bounded."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, sock: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        """SOCK listens already."""
        super().__init__(sock.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket = sock
        self._lock = threading.Lock()
        self._serving = 0
        self._open: dict[socket.socket, tuple[bool, float]] = {}
        """Connections, oldest first: whether they have sent their request, and when they will be cut off."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve in a thread of its own, and limit the number of connections."""
        with self._lock:
            self._serving += 1
            if self._serving > 2 * MOST_CONNECTIONS:
                _cut(request)  # connections that were closed have not all ended yet
            elif len(self._open) >= MOST_CONNECTIONS:
                silent = (sock for sock, (asked, _) in self._open.items() if not asked)
                oldest = next(silent, next(iter(self._open)))
                del self._open[oldest]
                _cut(oldest)
            self._open[request] = (False, time.monotonic() + HEAD_SECONDS)
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Called several times a second: close the connections whose time is over."""
        now = time.monotonic()
        with self._lock:
            for sock, (_, deadline) in self._open.items():
                if deadline < now:
                    _cut(sock)

    def asked(self, request: socket.socket) -> None:
        """REQUEST has sent its head."""
        with self._lock:
            if request in self._open:
                self._open[request] = (True, time.monotonic() + ANSWER_SECONDS)

    def endless(self, request: socket.socket) -> None:
        """The answer to REQUEST lasts as long as its client reads it."""
        with self._lock:
            if request in self._open:
                self._open[request] = (True, math.inf)

    def idle(self, request: socket.socket) -> None:
        """REQUEST has had its answer, and may send another request."""
        with self._lock:
            if request in self._open:
                self._open[request] = (False, time.monotonic() + IDLE_SECONDS)

    def becomes(self, request: socket.socket, wrapped: socket.socket) -> None:
        """The connection REQUEST is WRAPPED from now on."""
        with self._lock:
            if request in self._open:
                self._open[wrapped] = self._open.pop(request)

    def shutdown_request(self, request: Any) -> None:
        """End the connection REQUEST."""
        with self._lock:
            self._serving -= 1
            self._open.pop(request, None)
        super().shutdown_request(request)

    def cut_off(self) -> None:
        """End all connections."""
        with self._lock:
            for sock in self._open:
                _cut(sock)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log our own faults, but not clients that went away."""
        del request
        if isinstance(sys.exc_info()[1], OSError):
            logger.debug("client %s went away", client_address)
        else:
            logger.exception("failed while sending an answer")


def _cut(sock: socket.socket) -> None:
    # Not the method of SSLSocket: that would remove the TLS while another thread uses it.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
