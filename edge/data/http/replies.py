"""Edge's own answers, without an endpoint.

Rules of this file: every one has a Content-Length and a short plain text, and none contains bytes of the client except
a redirect's Location, which is built from a validated host and target.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    status: int
    body: bytes
    fields: bytes = b""
    """Complete field lines beside those of the body."""
    content_type: bytes = b"text/plain; charset=utf-8"
    closes: bool = False
    """The connection ends with it."""


def reason(status: int) -> str:
    """The usual reason phrase of STATUS."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def plain(status: int, *, fields: bytes = b"") -> Reply:
    """STATUS with its name as the text, as nginx calls it."""
    return Reply(status, f"{status} {_NAMES.get(status) or reason(status)}\n".encode(), fields)


_NAMES = {
    401: "Authorization Required",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    416: "Requested Range Not Satisfiable",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
"""Texts where nginx's name differs from the phrase of RFC 9110, because monitors and users look for them."""

NOT_FOUND = Reply(404, b"default backend - 404")
"""No route takes the request; the text is that of the default backend of ingress-nginx."""
HEALTHY = Reply(200, b"")
"""The answer to a load balancer's probe (`--health-check-path`)."""
FORBIDDEN = plain(403)
UNAVAILABLE = plain(503)
BAD_GATEWAY = plain(502)
GATEWAY_TIMEOUT = plain(504)
TOO_LARGE = plain(413)
PLAIN_ON_TLS = Reply(400, b"400 The plain HTTP request was sent to HTTPS port\n")
"""As nginx puts it (its status 497)."""

NO_CERTIFICATE = Reply(400, b"400 No required SSL certificate was sent\n", closes=True)
BAD_CERTIFICATE = Reply(400, b"400 The SSL certificate error\n", closes=True)
"""As nginx puts it (its statuses 496 and 495)."""
OTHER_CERTIFICATE = Reply(403, b"client certificate unauthorized")
"""The text is ingress-nginx's (auth-tls-match-cn)."""
MISDIRECTED = Reply(421, b"421 Misdirected Request\n", closes=True)
"""The host is another than the TLS connection was made for (RFC 9110, section 15.5.20)."""
TOO_MANY = Reply(503, b"too many connections\n", b"Retry-After: 1\r\n")


def farewell(reply: Reply) -> bytes:
    """REPLY as a whole message that closes its connection, for clients with which no HTTP has begun."""
    return (
        f"HTTP/1.1 {reply.status} {reason(reply.status)}\r\nConnection: close\r\n".encode()
        + b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(reply.body)
        + reply.fields
        + b"\r\n"
        + reply.body
    )


def redirect(status: int, location: bytes) -> Reply:
    """STATUS with LOCATION, which must be free of control characters."""
    answer = plain(status)
    return Reply(status, answer.body, b"Location: " + location + b"\r\n")


def name_of(host: bytes) -> bytes:
    """The name in a Host value, without the port."""
    return host[: host.index(b"]") + 1] if host.startswith(b"[") else host.partition(b":")[0]
