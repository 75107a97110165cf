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
from typing import TYPE_CHECKING

from edge.control.serving.admission.review import MalformedReviewError, answered
from edge.control.serving.admission.reviews import Reviews
from edge.control.serving.bounded_server import Serving
from edge.control.serving.handler import Handler
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


class _Handler(Handler):
    """The requests of one connection."""

    port = "webhook"
    allowed = "POST"
    server: _Server

    def do_POST(self) -> None:
        self.server.asked(self.connection)
        length = self._length()
        if length is None:
            return
        if not self.server.room.acquire(timeout=REVIEW_WAIT):
            self.reject(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_REVIEWS} reviews are under way already")
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
            self.reject(HTTPStatus.LENGTH_REQUIRED, "a review has a Content-Length")
        elif len(text) > 12 or int(text) >= MOST_BODY:
            self.reject(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a review has less than {MOST_BODY} bytes")
            self._drop(min(int(text[:12]), MOST_DROPPED))
        else:
            return int(text)
        return None

    def _drop(self, length: int) -> None:
        """Read a body of LENGTH bytes that has been refused; the limits of `bounded_server` and `handler` bound it."""
        while length > 0 and (piece := self.rfile.read1(min(length, DROPPED_PIECE))):
            length -= len(piece)

    def _review(self, body: bytes) -> None:
        webhook, begun = self.server.webhook, time.monotonic()
        try:
            answer, allowed = answered(body, webhook.judge, webhook.watched)
        except MalformedReviewError as error:
            self.reject(HTTPStatus.BAD_REQUEST, str(error))
            return
        webhook.reviews.add(allowed=allowed, seconds=time.monotonic() - begun)
        self._send(HTTPStatus.OK, JSON, answer)

    def reject(self, status: HTTPStatus, reason: str, **fields: str) -> None:
        """As `Handler`: the body of a request that is no review may not have been read."""
        self.server.webhook.reviews.add_malformed()
        self.close_connection = True
        self._send(status, "text/plain; charset=utf-8", f"{reason or status.phrase}\n".encode(), **fields)

    def _send(self, status: HTTPStatus, content_type: str, body: bytes, **fields: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
