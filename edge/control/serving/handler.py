"""What the handlers of the admin port and of the webhook have in common."""

from __future__ import annotations

import logging
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from edge import __version__

SILENCE_SECONDS = 10.0
"""Time for a client to send or take one block."""

logger = logging.getLogger(__name__)


class Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = f"edge/{__version__}"
    timeout = SILENCE_SECONDS
    port: ClassVar[str]
    """What is served, for the log."""
    allowed: ClassVar[str]
    """The methods, for the field Allow."""

    def version_string(self) -> str:
        """Value of the field Server."""
        return self.server_version

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that cannot be served; an unknown method is answered 405."""
        del explain
        self.request_version = "HTTP/1.1"  # until a request has been understood the library takes it for one of 0.9
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self.reject(HTTPStatus.METHOD_NOT_ALLOWED, message or "", Allow=self.allowed)
        else:
            self.reject(HTTPStatus(code), message or "")

    def reject(self, status: HTTPStatus, reason: str, **fields: str) -> None:
        """Answer STATUS with these FIELDS, and close the connection."""
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the library gives it
        """Log at level debug."""
        logger.debug("%s client %s: " + format, self.port, self.client_address[0], *args)
