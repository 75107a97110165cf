"""Answers of the admin port as values, and the fields of a head that guard them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec

PLAIN: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
NO_STORE: Final = {"Cache-Control": "no-store"}
GUARDS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src"
    " 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
"""Of every answer: nothing from elsewhere, no inline script or style, no frame around it."""


class Reply(NamedTuple):
    """An answer that is there as a whole."""

    status: int
    type: str
    body: bytes
    fields: dict[str, str] = NO_STORE


def text(status: int, message: str) -> Reply:
    """MESSAGE for people."""
    return Reply(status, PLAIN, message.encode())


def json(value: Any, status: int = HTTPStatus.OK) -> Reply:
    """VALUE as JSON."""
    return Reply(status, JSON, msgspec.json.encode(value) + b"\n")


def fault(status: int, message: str) -> Reply:
    """JSON that says what is wrong."""
    return json({"error": message}, status)
