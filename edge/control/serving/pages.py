"""What browsers get: the documents of the page, its files, and the form to sign in.

Rules of this file:
- The documents are one file, which its scripts fill; for browsers without scripts it has the view as plain HTML.
- Files need no credentials, because the form uses them; they contain nothing about this instance.
- A token is accepted by POST alone, and is stored nowhere; the client gets a cookie.
"""

from __future__ import annotations

import time
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from edge.control.serving import access
from edge.control.serving.reply import HTML, NO_STORE, Reply, text
from edge.control.serving.static import PREFIX, Files, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    from edge.control.serving.access import Access, Refusal

VIEWS: Final = frozenset(
    ("/", "/routes", "/route", "/ask", "/problems", "/certificates", "/workers", "/changes", "/index.html")
)
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
MOST_FORM: Final = 4096
"""Bytes of a form."""
MARK: Final = b"<!-- plain -->"
"""In `index.html`, where the view as plain HTML goes."""
FAULT: Final = b"<!-- fault -->"
"""In `sign-in.html`, where the reason for a failed sign-in goes."""


class Pages:
    """The page, for clients that ACCESS allows."""

    def __init__(self, rules: Access, plain: Callable[[str, str], str]) -> None:
        """PLAIN gives the view at a path, with its query, as HTML."""
        self._access = rules
        self._plain = plain
        self._files = Files()

    def document(self, path: str, query: str, refusal: Refusal | None) -> Reply | None:
        """The document at PATH, or why it is not shown; None: there is no page."""
        found = self._files.get("index.html")
        if found is None:
            return None
        if refusal is not None:
            return self._form("") if refusal.sign_in else text(refusal.status, f"{refusal.message}\n")
        body = found.body
        if MARK in body:
            body = body.replace(MARK, self._plain(path, query).encode())
        return Reply(HTTPStatus.OK, HTML, body)

    def file(self, path: str, fields: Message) -> Reply | None:
        """The file at PATH, which begins with PREFIX, for a request with these FIELDS; None: there is none."""
        found = self._files.get(path.removeprefix(PREFIX))
        if found is None:
            return None
        kept = {"Cache-Control": "no-cache", "ETag": found.etag}
        if unchanged(fields.get("If-None-Match", ""), found.etag):
            return Reply(HTTPStatus.NOT_MODIFIED, found.type, b"", kept)
        return Reply(HTTPStatus.OK, found.type, found.body, kept)

    def signed_in(self, form: bytes, fields: Message, *, secure: bool) -> Reply:
        """The answer to FORM, sent with these FIELDS, over TLS if SECURE."""
        tokens = self._access.tokens
        if tokens is None or not access.is_own(fields):
            return text(HTTPStatus.FORBIDDEN, "no token is asked for here\n")
        given = _token(form)
        if not tokens.good(given):
            return self._form("This is not the token.")
        session = tokens.session(given, time.time())
        return _moved(f"{access.COOKIE}={session}; Max-Age={access.SESSION}", secure=secure)

    def signed_out(self, fields: Message, *, secure: bool) -> Reply:
        """The answer to a client that signs out, with these FIELDS of the request."""
        if not access.is_own(fields):
            return text(HTTPStatus.FORBIDDEN, "another site may not ask\n")
        return _moved(f"{access.COOKIE}=; Max-Age=0", secure=secure)

    def _form(self, message: str) -> Reply:
        found = self._files.get("sign-in.html")
        body = found.body if found is not None else _FORM
        said = f'<p role="alert">{escape(message)}</p>' if message else ""
        return Reply(HTTPStatus.UNAUTHORIZED, HTML, body.replace(FAULT, said.encode()))


_FORM: Final = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in - Edge</title></head>
<body><main><h1>Edge</h1><!-- fault -->
<form method="post" action="sign-in"><label>Token <input type="password" name="token" required autofocus
autocomplete="current-password"></label> <button>Sign in</button></form></main></body></html>
"""


def _token(form: bytes) -> bytes:
    """The token in FORM; empty: there is none."""
    try:
        given = parse_qs(form.decode("latin-1"), max_num_fields=8).get("token", [""])[0]
    except ValueError:  # too many fields
        return b""
    return given.strip().encode()


def _moved(cookie: str, *, secure: bool) -> Reply:
    """To the page, with COOKIE."""
    more = "; Secure" if secure else ""
    fields = {
        **NO_STORE,
        "Location": "./",
        "Set-Cookie": f"{cookie}; Path=/; HttpOnly; SameSite=Strict{more}",
    }
    return Reply(HTTPStatus.SEE_OTHER, "text/plain; charset=utf-8", b"", fields)
