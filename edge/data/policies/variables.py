"""The values of variables in texts of users, for one exchange (`edge.table.variables`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

from edge.data.http import replies
from edge.data.policies.basic_auth import user_and_password
from edge.table import templates, variables
from edge.table.paths import normalise_bytes

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")

Value = Callable[["Exchange"], bytes]


def filler(text: str) -> Value:
    """A function that gives TEXT with the values of an exchange in the places of its variables.

    Raises:
        TemplateError: TEXT has a variable that is not in `edge.table.variables`.
    """
    parts = pieces(text)

    def fill(exchange: Exchange) -> bytes:
        return b"".join(parts(exchange))

    return fill


def pieces(text: str) -> Callable[[Exchange], list[bytes]]:
    """As `filler`, with each variable and each text between two of them for itself.

    Where values may hold anything, their joint text does not say which is which: `ab` and `c` is `a` and `bc`.
    """
    parts = [_part(part) for part in templates.parse(text, variables.REQUEST).parts]

    def fill(exchange: Exchange) -> list[bytes]:
        return [part if isinstance(part, bytes) else part(exchange) for part in parts]

    return fill


def _part(part: str | templates.Variable) -> bytes | Value:
    if isinstance(part, str):
        return part.encode()
    if part.name in VALUES:
        return VALUES[part.name]
    assert part.family is not None  # noqa: S101 - the list knows no other
    family, name = part.family
    return FAMILIES[family](name)


def _field(name: str) -> Value:
    named = name.replace("_", "-").encode()

    def field(exchange: Exchange) -> bytes:
        return exchange.client.request.get(named) or b""

    return field


def _cookie(name: str) -> Value:
    """The first cookie NAME, whatever the case of its name, as in nginx."""
    named = name.encode()

    def cookie(exchange: Exchange) -> bytes:
        return _first(named, (exchange.client.request.get(b"cookie") or b"").split(b";"))

    return cookie


def _argument(name: str) -> Value:
    """The first argument NAME of the query as it was sent, whatever the case of its name, as in nginx."""
    named = name.encode()

    def argument(exchange: Exchange) -> bytes:
        return _first(named, _args(exchange).split(b"&"))

    return argument


def _first(name: bytes, pairs: list[bytes]) -> bytes:
    for pair in pairs:
        known, equals, value = pair.partition(b"=")
        if equals and known.strip().lower() == name:
            return value.strip()
    return b""


def _host(exchange: Exchange) -> bytes:
    return replies.name_of(exchange.client.host).lower()


def _http_host(exchange: Exchange) -> bytes:
    return exchange.client.host


def _scheme(exchange: Exchange) -> bytes:
    return b"https" if exchange.client.secure else b"http"


def _request_uri(exchange: Exchange) -> bytes:
    return exchange.client.request.target


def _escaped_request_uri(exchange: Exchange) -> bytes:
    return quote_from_bytes(exchange.client.request.target, safe="").encode()


def _request_method(exchange: Exchange) -> bytes:
    return exchange.client.request.method


def _remote_user(exchange: Exchange) -> bytes:
    """Controls, which no field could hold, are percent-encoded."""
    given = user_and_password(exchange.client.request.get(b"authorization"))
    if given is None:
        return b""
    return _CONTROL.sub(lambda found: b"%%%02X" % found[0][0], given[0].encode("utf-8", "surrogateescape"))


def _uri(exchange: Exchange) -> bytes:
    return normalise_bytes(exchange.client.request.target.partition(b"?")[0])


def _args(exchange: Exchange) -> bytes:
    return exchange.client.request.target.partition(b"?")[2]


def _is_args(exchange: Exchange) -> bytes:
    return b"?" if _args(exchange) else b""


def _remote_addr(exchange: Exchange) -> bytes:
    return exchange.client.address.encode("latin-1")


def _server_port(exchange: Exchange) -> bytes:
    return b"%d" % exchange.client.port


VALUES: Final[dict[str, Value]] = {
    "args": _args,
    "best_http_host": _http_host,
    "escaped_request_uri": _escaped_request_uri,
    "host": _host,
    "http_host": _http_host,
    "is_args": _is_args,
    "pass_access_scheme": _scheme,
    "query_string": _args,
    "remote_addr": _remote_addr,
    "remote_user": _remote_user,
    "request_method": _request_method,
    "request_uri": _request_uri,
    "scheme": _scheme,
    "server_port": _server_port,
    "uri": _uri,
}
"""A function for each variable that is not of a family."""
FAMILIES: Final[dict[str, Callable[[str], Value]]] = {"arg_": _argument, "cookie_": _cookie, "http_": _field}
"""What gives the function for a member of a family, by its name there."""
