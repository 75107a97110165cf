"""The values of variables in texts of users, for one exchange (`edge.table.variables`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

from edge.data.http import replies
from edge.data.http.cookies import cookies
from edge.data.policies.basic_auth import user_and_password
from edge.table import templates, variables
from edge.table.paths import normalise_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message

    Value = Callable[[Exchange], bytes]

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")


def filler(text: str, own: Mapping[str, Value] | None = None) -> Value:
    """A function that gives TEXT with the values of an exchange in the places of its variables.

    OWN: values of variables that are not among those of a request, or have another value here.

    Raises:
        TemplateError: TEXT has a variable that is neither in `edge.table.variables` nor in OWN.
    """
    parts = _parts(text, own or {})
    if not any(callable(part) for part in parts):
        constant = b"".join(part for part in parts if isinstance(part, bytes))
        return lambda _: constant

    def fill(exchange: Exchange) -> bytes:
        return b"".join([part if isinstance(part, bytes) else part(exchange) for part in parts])

    return fill


def pieces(text: str) -> Callable[[Exchange], list[bytes]]:
    """As `filler`, with each variable and each text between two of them for itself.

    Where values may hold anything, their joint text does not say which is which: `ab` and `c` is `a` and `bc`.
    """
    parts = _parts(text, {})

    def fill(exchange: Exchange) -> list[bytes]:
        return [part if isinstance(part, bytes) else part(exchange) for part in parts]

    return fill


def _parts(text: str, own: Mapping[str, Value]) -> list[bytes | Value]:
    return [_part(part, own) for part in templates.parse(text, {*variables.REQUEST, *own}).parts]


def _part(part: str | templates.Variable, own: Mapping[str, Value]) -> bytes | Value:
    if isinstance(part, str):
        return part.encode()
    value = own.get(part.name) or VALUES.get(part.name)
    if value is not None:
        return value
    assert part.family is not None  # noqa: S101 - the list knows no other
    return FAMILIES[part.family[0]](part.family[1])


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
    "remote_user": _remote_user,
    "req_id": _request_id,
    "request_id": _request_id,
    "request_method": _request_method,
    "request_uri": _request_uri,
    "scheme": _scheme,
    "server_port": _server_port,
    "uri": _uri,
}
"""A function for each variable that is not of a family."""
