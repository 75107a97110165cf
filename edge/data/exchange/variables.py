"""What a request says about itself, by the names that nginx has for it (`edge.table.variables.REQUEST`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

from edge.data.exchange.exchange import Exchange
from edge.data.http import replies
from edge.data.http.cookies import cookies
from edge.data.http.credentials import user_and_password
from edge.table.paths import normalise_bytes, path_of

if TYPE_CHECKING:
    from edge.data.http._message import Message

Value = Callable[[Exchange], bytes]

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")


def _field_named(name: str) -> Value:
    wanted = name.replace("_", "-").encode()

    def field(exchange: Exchange) -> bytes:
        return exchange.client.request.get(wanted) or b""

    return field


def _cookie_named(name: str) -> Value:
    wanted = name.encode()

    def cookie(exchange: Exchange) -> bytes:
        return cookie_of(exchange.client.request, wanted) or b""

    return cookie


def _argument_named(name: str) -> Value:
    wanted = name.encode()

    def argument(exchange: Exchange) -> bytes:
        for pair in _args(exchange).split(b"&"):
            given, _, value = pair.partition(b"=")
            if given.lower() == wanted:
                return value
        return b""

    return argument


def cookie_of(request: Message, name: bytes) -> bytes | None:
    """The value of the first cookie NAME (lower case; as in nginx, case does not count) of REQUEST."""
    return next((value for given, value in cookies(request) if given.lower() == name), None)


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


def remote_user(exchange: Exchange) -> bytes:
    """The user that a request names by the scheme Basic; controls, which no field could hold, are percent-encoded."""
    given = user_and_password(exchange.client.request.get(b"authorization"))
    if given is None:
        return b""
    return _CONTROL.sub(lambda found: b"%%%02X" % found[0][0], given[0].encode("utf-8", "surrogateescape"))


def _uri(exchange: Exchange) -> bytes:
    return normalise_bytes(path_of(exchange.client.request.target))


def _args(exchange: Exchange) -> bytes:
    return exchange.client.request.target.partition(b"?")[2]


def _is_args(exchange: Exchange) -> bytes:
    return b"?" if _args(exchange) else b""


def _remote_addr(exchange: Exchange) -> bytes:
    return exchange.client.address.encode("latin-1")


def _server_port(exchange: Exchange) -> bytes:
    return b"%d" % exchange.client.port


def _request_id(exchange: Exchange) -> bytes:
    return exchange.outcome.request_id


def _request_method(exchange: Exchange) -> bytes:
    return exchange.client.request.method


def _proxy_add_x_forwarded_for(exchange: Exchange) -> bytes:
    given = exchange.client.request.get(b"x-forwarded-for")
    address = _remote_addr(exchange)
    return given + b", " + address if given else address


FAMILIES: Final[dict[str, Callable[[str], Value]]] = {
    "arg_": _argument_named,
    "cookie_": _cookie_named,
    "http_": _field_named,
}
"""For each family, what gives the function of one of its names."""
VALUES: Final[dict[str, Value]] = {
    "args": _args,
    "best_http_host": _http_host,
    "escaped_request_uri": _escaped_request_uri,
    "host": _host,
    "http_host": _http_host,
    "is_args": _is_args,
    "pass_access_scheme": _scheme,
    "proxy_add_x_forwarded_for": _proxy_add_x_forwarded_for,
    "query_string": _args,
    "remote_addr": _remote_addr,
    "remote_user": remote_user,
    "req_id": _request_id,
    "request_id": _request_id,
    "request_method": _request_method,
    "request_uri": _request_uri,
    "scheme": _scheme,
    "server_port": _server_port,
    "uri": _uri,
}
"""A function for each variable that is not of a family."""
