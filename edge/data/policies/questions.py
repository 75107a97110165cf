"""The request by which an authentication server is asked about another one (ingress-nginx, auth-url).

Rules of this file:
- It has what the client sent, without its content, and what Edge knows of the client. What the server has from Edge
  alone is never the client's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.data.exchange.subrequest import outgoing
from edge.data.exchange.texts import filler
from edge.data.http._message import is_host
from edge.data.policies.client_certificate import FIELDS as CERTIFICATE
from edge.data.policies.fields import checked, name_of, without

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Outgoing
    from edge.table.policies import ExternalAuth

OWN: Final = frozenset(
    (b"x-original-url", b"x-original-method", b"x-sent-from", b"x-auth-request-redirect", b"x-original-uri")
)
"""Fields that the server has from Edge alone."""
DESCRIBING: Final = frozenset((b"x-real-ip", b"x-forwarded-for", *CERTIFICATE))
"""Fields about the client that the server gets, of those that an endpoint gets."""
CONDITIONS: Final = frozenset(
    (b"if-match", b"if-modified-since", b"if-none-match", b"if-range", b"if-unmodified-since", b"range")
)
"""Fields that ask for another answer than one that can be kept."""
_UNFIT: Final = re.compile(rb"[^!-\"$-~]")
"""What must not stand in a request target."""


def question(policy: ExternalAuth) -> Callable[[Exchange], Outgoing]:
    """What makes the request, for exchanges of one route.

    Raises:
        ValueError: POLICY has a variable or a field that there is not.
    """
    method = policy.method.encode() or b"GET"
    host, target, redirect = filler(policy.host), filler(policy.target), filler(policy.redirect)
    given = [(checked(name).encode(), filler(checked(value))) for name, value in policy.set_headers]
    replaced = frozenset(name.lower() for name, _ in given)
    host = next((value for name, value in given if name.lower() == b"host"), host)
    further = [(name, value) for name, value in given if name.lower() != b"host"]
    dropped = OWN | replaced | (CONDITIONS if policy.cache_key else frozenset())

    def make(exchange: Exchange) -> Outgoing:
        client = exchange.client
        request = client.request
        scheme = b"https" if client.secure else b"http"
        lines = [
            b"X-Original-URL: %b://%b%b\r\n" % (scheme, client.host, request.target),
            b"X-Original-Method: %b\r\n" % request.method,
            b"X-Sent-From: nginx-ingress-controller\r\n",
            b"X-Auth-Request-Redirect: %b\r\n" % redirect(exchange),
            *[line for line in exchange.outgoing.added.splitlines(keepends=True) if name_of(line) in DESCRIBING],
        ]
        if policy.method:
            lines += [b"X-Original-URI: %b\r\n" % request.target, b"X-Scheme: %b\r\n" % scheme]
        if replaced:
            lines = [line for line in lines if name_of(line) not in replaced]
            lines += [b"%b: %b\r\n" % (name, content) for name, value in further if (content := value(exchange))]
        to = host(exchange)
        return outgoing(
            method=method,
            target=_UNFIT.sub(_escaped, target(exchange)),
            host=to if is_host(to) else b"",
            fields=without(request.passed(), dropped) + b"".join(lines),
            request_id=exchange.outgoing.request_id,
        )

    return make


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]
