"""The admin server: /metrics, /healthz and /readyz over HTTP, on an address of its own.

Rules of this file:
- A connection gets one answer and is closed.
- The answers are made elsewhere: `edge.control.serving.health`, `edge.control.serving.metrics`.
"""

from __future__ import annotations

import logging
import threading
import zlib
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from prometheus_client.exposition import gzip_accepted

from edge import __version__
from edge.control.serving.bounded_server import BoundedServer, Serving
from edge.control.serving.health import Health
from edge.control.serving.metrics.collector import Collector
from edge.control.serving.metrics.exposition import render
from edge.system import addresses

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edge.control.publishing.state import State
    from edge.control.serving.admission.reviews import Reviews
    from edge.control.serving.health import Verdict
    from edge.settings import Settings
    from edge.table.counters import CountersReader

SILENCE_SECONDS = 10.0
"""Time for a client to take one block of an answer."""
MOST_SCRAPES = 4
"""Scrapes at once; further ones wait for a while, then get 503."""
SCRAPE_WAIT = 10.0

PLAIN = "text/plain; charset=utf-8"
INDEX = """Edge {version}

/metrics   for Prometheus: text or OpenMetrics
/healthz   200 while no restart is called for
/readyz    200 while requests can be served, else what is missing
"""

logger = logging.getLogger(__name__)


class AdminServer(Serving):
    """Serves in threads of its own from `start` to `stop`."""

    def __init__(
        self,
        state: State,
        reader: CountersReader,
        settings: Settings,
        directory: Path,
        *,
        leads: Callable[[], bool] | None = None,
        stuck: Callable[[], str] | None = None,
        reviews: Reviews | None = None,
    ) -> None:
        """DIRECTORY is the table's; LEADS and REVIEWS as for `Collector`, STUCK as for `Health`."""
        super().__init__(addresses.parse(settings.admin), "admin")
        self.health = Health(state, reader, settings, directory, stuck=stuck)
        self.collector = Collector(state, reader, settings, self.health, leads=leads, reviews=reviews)
        self.health_paths = {"/healthz", settings.health_check_path}
        self.has_metrics = settings.enable_metrics

    def server(self, sock: socket.socket) -> BoundedServer:
        """As `Serving`."""
        return _Server(sock, self)

    def start(self) -> None:
        """As `Serving`."""
        super().start()
        logger.info("admin server on http://%s", self.address)


class _Server(BoundedServer):
    """State that the handlers share."""

    def __init__(self, sock: socket.socket, admin: AdminServer) -> None:
        super().__init__(sock, _Handler)
        self.admin = admin
        self.scrapes = threading.BoundedSemaphore(MOST_SCRAPES)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server_version = f"edge/{__version__}"
    sys_version = ""
    timeout = SILENCE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self.request_version == "HTTP/0.9":
            self.send_error(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
            return
        self.server.asked(self.connection)
        self.close_connection = True
        path = self.path.partition("?")[0]
        admin = self.server.admin
        if path == "/metrics" and admin.has_metrics:
            self._metrics()
        elif path in admin.health_paths:
            self._verdict(admin.health.live())
        elif path == "/readyz":
            self._verdict(admin.health.ready())
        elif path == "/":
            self._send(HTTPStatus.OK, INDEX.format(version=__version__))
        else:
            self._send(HTTPStatus.NOT_FOUND, "not found; there are /metrics, /healthz and /readyz\n")

    def _verdict(self, verdict: Verdict) -> None:
        self._send(HTTPStatus.OK if verdict.well else HTTPStatus.SERVICE_UNAVAILABLE, str(verdict))

    def _send(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self._head(status, PLAIN, {"Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: HTTPStatus, content_type: str, fields: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()

    def _metrics(self) -> None:
        if not self.server.scrapes.acquire(timeout=SCRAPE_WAIT):
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_SCRAPES} scrapes are under way already\n")
            return
        try:
            content_type, pieces = render(self.server.admin.collector, ",".join(self.headers.get_all("Accept", [])))
            fields = {"Vary": "Accept, Accept-Encoding"}
            if gzip_accepted(",".join(self.headers.get_all("Accept-Encoding", []))):
                fields["Content-Encoding"] = "gzip"
                pieces = iter(_compressed(pieces))
            if self.request_version == "HTTP/1.0":
                pieces = iter([b"".join(pieces)])
            else:
                fields["Transfer-Encoding"] = "chunked"
            self._head(HTTPStatus.OK, content_type, fields)
            if self.command != "HEAD":
                self._stream(pieces, chunked="Transfer-Encoding" in fields)
        finally:
            self.server.scrapes.release()

    def _stream(self, pieces: Iterable[bytes], *, chunked: bool) -> None:
        """Send PIECES, joined to useful sizes. A failure closes the connection: an incomplete answer is noticed."""
        for block in _gathered(pieces):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what cannot be served; a method that there is not is one that is not allowed."""
        del message, explain
        self.server.asked(self.connection)
        self.close_connection = True
        self.request_version = "HTTP/1.1"  # until a request has been understood the library takes it for one of 0.9
        fields = {"Content-Length": "0"}
        if code == HTTPStatus.NOT_IMPLEMENTED:
            code, fields["Allow"] = HTTPStatus.METHOD_NOT_ALLOWED, "GET, HEAD"
        self._head(HTTPStatus(code), PLAIN, fields)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the library gives it
        logger.debug("admin client %s: " + format, self.client_address[0], *args)


def _compressed(pieces: Iterable[bytes]) -> Iterable[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _gathered(pieces: Iterable[bytes], size: int = 65536) -> Iterable[bytes]:
    """PIECES joined to blocks of SIZE bytes or more, none of them empty."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(waiting)
            waiting.clear()
            length = 0
    if length:
        yield b"".join(waiting)
