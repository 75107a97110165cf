"""The requests of the admin port, and what answers each.

Rules of this file:
- A connection gets one answer and is closed; only /api/events stays open.
- The answers are made elsewhere: `edge.control.serving.health`, `metrics`, `view` and `pages`.
- Probes need no credentials; `edge.control.serving.access` decides about the rest.
- It is read-only: beside GET and HEAD there is POST for the form to sign in.
"""

from __future__ import annotations

import logging
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from edge import __version__
from edge.control.serving import pages, scrapes, static
from edge.control.serving.handler import Handler
from edge.control.serving.reply import GUARDS, NO_STORE, PLAIN, Reply, fault, text
from edge.control.serving.secured_server import SecuredServer
from edge.control.serving.view import api

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from edge.control.serving.access import Access, Refusal
    from edge.control.serving.health import Health, Verdict
    from edge.control.serving.identity import Identity
    from edge.settings import Settings

EVENT_STREAM = "text/event-stream"

INDEX = """Edge {version}

/api/      JSON for the page and for scripts
/metrics   for Prometheus: text or OpenMetrics
/healthz   200 while no restart is called for
/readyz    200 while requests can be served, else what is missing
"""

logger = logging.getLogger(__name__)


class Parts(NamedTuple):
    """The parts of the server that make the answers."""

    health: Health
    metrics: scrapes.Metrics
    access: Access
    api: api.Api
    pages: pages.Pages
    settings: Settings


class AdminSockets(SecuredServer):
    """State that the handlers share."""

    def __init__(self, sock: socket.socket, parts: Parts, identity: Identity | None) -> None:
        """SOCK listens already."""
        super().__init__(sock, _Handler, identity)
        self.parts = parts
        self.has_tls = identity is not None
        self.health_paths = {"/healthz", parts.settings.health_check_path}
        self.scrapes = threading.BoundedSemaphore(scrapes.MOST_SCRAPES)


class _Handler(Handler):
    """One request."""

    port = "admin"
    allowed = "GET, HEAD"
    server: AdminSockets

    def do_GET(self) -> None:
        if self._begin():
            self._answer(*self._target())

    def do_HEAD(self) -> None:
        if self._begin():
            self._answer(*self._target())

    def do_POST(self) -> None:
        if self._begin():
            self._take_form(self._target()[0])

    def _begin(self) -> bool:
        """Whether the request can be answered."""
        if self.request_version == "HTTP/0.9":
            self.send_error(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
            return False
        self.server.asked(self.connection)
        self.close_connection = True
        return True

    def _target(self) -> tuple[str, str]:
        """Path and query."""
        path, _, query = self.path.partition("?")
        return path, query

    def _answer(self, path: str, query: str) -> None:
        parts = self.server.parts
        if path == "/metrics" and parts.settings.enable_metrics:
            self._metrics()
        elif path in self.server.health_paths:
            self._verdict(parts.health.live())
        elif path == "/readyz":
            self._verdict(parts.health.ready())
        elif path.startswith(api.PREFIX):
            self._api(path, query)
        else:
            self._send(self._page(path, query) or text(HTTPStatus.NOT_FOUND, "not found\n\n" + _index()))

    # --- answers --------------------------------------------------------------------------------------------------

    def _page(self, path: str, query: str) -> Reply | None:
        """The page; None: there is none at this path."""
        parts = self.server.parts
        if path.startswith(static.PREFIX):
            return parts.pages.file(path, self.headers)
        if path not in pages.VIEWS:
            return None
        found = None
        if path != "/" or "text/html" in self.headers.get("Accept", ""):
            found = parts.pages.document(path, query, self._refusal())
        return found or (text(HTTPStatus.OK, _index()) if path == "/" else None)

    def _api(self, path: str, query: str) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self._send(fault(refusal.status, refusal.message))
        elif path == api.EVENTS:
            self._events()
        else:
            self._send(self.server.parts.api.answer(path, query))

    def _events(self) -> None:
        events = self.server.parts.api.events
        if self.command != "HEAD" and not events.join():
            self._send(fault(HTTPStatus.SERVICE_UNAVAILABLE, "too many listen already"))
            return
        try:
            self._head(HTTPStatus.OK, EVENT_STREAM, dict(NO_STORE))
            if self.command != "HEAD":
                self.server.endless(self.connection)
                for data in events.stream():
                    if self._refusal() is not None:
                        break  # the token was removed, or the cookie has expired
                    self.wfile.write(data)
        finally:
            if self.command != "HEAD":
                events.leave()

    def _refusal(self) -> Refusal | None:
        """Why this client is refused; None: it is allowed."""
        return self.server.parts.access.refusal(
            self.client_address[0], self.headers, verified=self.server.verified(self.connection)
        )

    def _take_form(self, path: str) -> None:
        parts = self.server.parts
        length = self.headers.get("Content-Length", "")
        secure = self.server.has_tls
        if path == pages.SIGN_OUT:
            self._send(parts.pages.signed_out(self.headers, secure=secure))
        elif path != pages.SIGN_IN:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED)
        elif not (length.isascii() and length.isdigit() and len(length) < 6 and int(length) <= pages.MOST_FORM):
            self._send(text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a form has a token and no more\n"))
        else:
            self._send(parts.pages.signed_in(self.rfile.read(int(length)), self.headers, secure=secure))

    def _verdict(self, verdict: Verdict) -> None:
        self._send(text(HTTPStatus.OK if verdict.well else HTTPStatus.SERVICE_UNAVAILABLE, str(verdict)))

    def _metrics(self) -> None:
        refusal = self._refusal() if self.server.parts.settings.admin_protects_metrics else None
        if refusal is not None:
            self._send(text(refusal.status, f"{refusal.message}\n"))
            return
        if not self.server.scrapes.acquire(timeout=scrapes.SCRAPE_WAIT):
            message = f"{scrapes.MOST_SCRAPES} scrapes are under way already\n"
            self._send(text(HTTPStatus.SERVICE_UNAVAILABLE, message))
            return
        try:
            content_type, fields, blocks = self.server.parts.metrics.scraped(self.headers)
            self._stream(content_type, {**NO_STORE, **fields}, blocks)
        finally:
            self.server.scrapes.release()

    # --- writing --------------------------------------------------------------------------------------------------

    def _send(self, reply: Reply) -> None:
        fields = dict(reply.fields)
        if reply.status != HTTPStatus.NOT_MODIFIED:
            fields["Content-Length"] = str(len(reply.body))
        if reply.status == HTTPStatus.UNAUTHORIZED:
            fields["WWW-Authenticate"] = 'Bearer realm="Edge"'
        self._head(reply.status, reply.type, fields)
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def _stream(self, content_type: str, fields: dict[str, str], blocks: Iterable[bytes]) -> None:
        """Send BLOCKS as they come. A failure closes the connection, so the client sees that the answer is
        incomplete."""
        chunked = self.request_version != "HTTP/1.0"
        if chunked:
            fields["Transfer-Encoding"] = "chunked"
        self._head(HTTPStatus.OK, content_type, fields)
        if self.command == "HEAD":
            return
        for block in blocks:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, content_type: str, fields: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in {**fields, **GUARDS}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def reject(self, status: HTTPStatus, reason: str, **fields: str) -> None:  # noqa: ARG002 - no body is sent
        """As `Handler`."""
        self.server.asked(self.connection)
        self.close_connection = True
        self._head(status, PLAIN, {**NO_STORE, "Content-Length": "0", **fields})


def _index() -> str:
    return INDEX.format(version=__version__)
