"""The webhook's server: HTTPS on an address of its own, in bounded threads.

Rules of this file:
- A body that is too long is refused before it is read, and few bodies are in memory at a time. The rest of a refused
  body is read and dropped: closing the connection earlier would reset it, and the client would lose the answer.
- It reads the state of the compiler and writes nothing, to no file and to no cluster.
"""

from __future__ import annotations

import logging
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from edge import __version__
from edge.control.serving.admission.review import MalformedReviewError, answered
from edge.control.serving.admission.reviews import Reviews
from edge.control.serving.bounded_server import Serving
from edge.control.serving.identity import Identity
from edge.control.serving.secured_server import SecuredServer
from edge.system import addresses

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from edge.control.serving.admission.review import Judge
    from edge.settings import Settings

MOST_BODY = 9 << 20
"""Bytes of a review: two versions of an object, each no longer than etcd takes."""
MOST_REVIEWS = 4
"""Reviews in memory at a time."""
REVIEW_WAIT = 5.0
"""Seconds that a further one waits before it is refused (503)."""
SILENCE_SECONDS = 10.0
MOST_DROPPED = 64 << 20
"""Bytes of a refused body that are read and dropped, so that its client gets the answer."""
DROPPED_PIECE = 64 << 10
JSON = "application/json"

logger = logging.getLogger(__name__)


class Webhook(Serving):
    """Serves in threads of its own from `start` to `stop`."""

    def __init__(self, settings: Settings, judge: Judge, watched: Callable[[str], bool]) -> None:
        """JUDGE and WATCHED as for `review.answered`."""
        super().__init__(addresses.parse(settings.validating_webhook), "webhook")
        self.judge = judge
        self.watched = watched
        self.identity = Identity.of_webhook(settings)
        self.reviews = Reviews()

    def server(self, sock: socket.socket) -> _Server:
        """As `Serving`."""
        return _Server(sock, self)

    def start(self) -> None:
        """As `Serving`."""
        super().start()
        self.identity.context()  # so that files which cannot be used are reported at once
        logger.info("admission webhook on https://%s", self.address)


class _Server(SecuredServer):
    """State that the handlers share."""

    def __init__(self, sock: socket.socket, webhook: Webhook) -> None:
        super().__init__(sock, _Handler, webhook.identity)
        self.webhook = webhook
        self.room = threading.BoundedSemaphore(MOST_REVIEWS)


class _Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = f"edge/{__version__}"
    timeout = SILENCE_SECONDS
    server: _Server

    def version_string(self) -> str:
        """Value of the field Server."""
        return self.server_version

    def do_POST(self) -> None:
        self.server.asked(self.connection)
        length = self._length()
        if length is None:
            return
        if not self.server.room.acquire(timeout=REVIEW_WAIT):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_REVIEWS} reviews are under way already")
            self._drop(length)
            return
        try:
            self._review(self.rfile.read(length))
        finally:
            self.server.room.release()
        self.server.idle(self.connection)

    def _length(self) -> int | None:
        """Bytes of the body; None: it was refused, and the answer has been sent."""
        text = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not text.isascii() or not text.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "a review has a Content-Length")
        elif len(text) > 12 or int(text) >= MOST_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a review has less than {MOST_BODY} bytes")
            self._drop(min(int(text[:12]), MOST_DROPPED))
        else:
            return int(text)
        return None

    def _drop(self, length: int) -> None:
        """Read a body of LENGTH bytes that has been refused; `ANSWER_SECONDS` and `SILENCE_SECONDS` bound it."""
        while length > 0 and (piece := self.rfile.read1(min(length, DROPPED_PIECE))):
            length -= len(piece)

    def _review(self, body: bytes) -> None:
        webhook, begun = self.server.webhook, time.monotonic()
        try:
            answer, allowed = answered(body, webhook.judge, webhook.watched)
        except MalformedReviewError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        webhook.reviews.add(allowed=allowed, seconds=time.monotonic() - begun)
        self._send(HTTPStatus.OK, JSON, answer)

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer a request that is no review, and end the connection, because its body may not have been read."""
        self.server.webhook.reviews.add_malformed()
        self.close_connection = True
        self._send(status, "text/plain; charset=utf-8", f"{text}\n".encode())

    def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that cannot be served; an unknown method is answered 405."""
        del explain
        self.request_version = "HTTP/1.1"  # until a request has been understood the library takes it for one of 0.9
        if code == HTTPStatus.NOT_IMPLEMENTED:
            code = HTTPStatus.METHOD_NOT_ALLOWED
        self._refuse(HTTPStatus(code), message or HTTPStatus(code).phrase)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the library gives it
        logger.debug("webhook client %s: " + format, self.client_address[0], *args)
