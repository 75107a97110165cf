"""The values of variables in texts of users, for one exchange (`edge.table.variables`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.http import replies
from edge.table import templates, variables
from edge.table.paths import normalise_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.data.exchange.exchange import Exchange

    Value = Callable[[Exchange], bytes]


def filler(text: str, further: Mapping[str, Value] | None = None) -> Value:
    """A function that gives TEXT with the values of an exchange in the places of its variables.

    FURTHER: values of variables that are not among those of a request, or have another value here.

    Raises:
        TemplateError: TEXT has a variable that is neither there nor in `edge.table.variables.REQUEST`.
    """
    own = further or {}
    parts = [_part(part, own) for part in templates.parse(text, variables.REQUEST.union(own)).parts]

    def fill(exchange: Exchange) -> bytes:
        return b"".join([part if isinstance(part, bytes) else part(exchange) for part in parts])

    return fill


def _part(part: str | templates.Variable, own: Mapping[str, Value]) -> bytes | Value:
    if isinstance(part, str):
        return part.encode()
    if part.name in own:
        return own[part.name]
    if part.name in VALUES:
        return VALUES[part.name]
    assert part.family is not None  # noqa: S101 - the list knows no other
    name = part.family[1].replace("_", "-").encode()

    def field(exchange: Exchange) -> bytes:
        return exchange.client.request.get(name) or b""

    return field


def _host(exchange: Exchange) -> bytes:
    return replies.name_of(exchange.client.host).lower()


def _http_host(exchange: Exchange) -> bytes:
    return exchange.client.host


def _scheme(exchange: Exchange) -> bytes:
    return b"https" if exchange.client.secure else b"http"


def _request_uri(exchange: Exchange) -> bytes:
    return exchange.client.request.target


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
    "host": _host,
    "http_host": _http_host,
    "is_args": _is_args,
    "query_string": _args,
    "remote_addr": _remote_addr,
    "request_uri": _request_uri,
    "scheme": _scheme,
    "server_port": _server_port,
    "uri": _uri,
}
"""A function for each variable that is not of a family."""
