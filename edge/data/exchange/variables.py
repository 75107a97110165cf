"""Values of nginx's variables that come from a request (`edge.table.variables.REQUEST`)."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

from edge.data.exchange.exchange import Exchange
from edge.data.http import replies
from edge.data.http.cookies import cookies
from edge.data.http.credentials import user_and_password
from edge.data.net import tls_facts
from edge.table.paths import normalise_bytes, path_of

if TYPE_CHECKING:
    from edge.data.http._message import Message

Value = Callable[[Exchange], bytes]

_HOST_NAME: Final = socket.gethostname().encode()
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
    """The user that a request names by the scheme Basic; control characters are percent-encoded."""
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


def _msec(_: Exchange) -> bytes:
    return f"{time.time():.3f}".encode()


def _time_iso8601(_: Exchange) -> bytes:
    return datetime.now().astimezone().isoformat(timespec="seconds").encode()


def _server_protocol(exchange: Exchange) -> bytes:
    version = exchange.client.request.version
    return b"HTTP/2.0" if version == 20 else b"HTTP/1.%d" % (version % 10)


def _hostname(_: Exchange) -> bytes:
    return _HOST_NAME


def _field(name: bytes) -> Value:
    return lambda exchange: exchange.client.request.get(name) or b""


def _https(exchange: Exchange) -> bytes:
    return b"on" if exchange.client.secure else b""


def _remote_port(exchange: Exchange) -> bytes:
    port = exchange.client.ends()[0][1]
    return b"%d" % port if port else b""


def _server_addr(exchange: Exchange) -> bytes:
    return exchange.client.ends()[1][0].encode()


def _verify(exchange: Exchange) -> bytes:
    return exchange.client.peer.verify


def _subject(exchange: Exchange) -> bytes:
    return exchange.client.peer.subject


def _issuer(exchange: Exchange) -> bytes:
    return exchange.client.peer.issuer


def _certificate(exchange: Exchange) -> bytes:
    return exchange.client.peer.certificate


def _tls(fact: Callable[[int], bytes | None]) -> Value:
    """FACT about the TLS connection."""
    return lambda exchange: fact(_tls_address(exchange)) or b""


def _tls_address(exchange: Exchange) -> int:
    """The address of OpenSSL's connection; 0: there is none."""
    stream = exchange.client.wire()
    return stream.tls_address if stream is not None and not stream.closed else 0


def _reused(exchange: Exchange) -> bytes:
    address = _tls_address(exchange)
    return (b"r" if tls_facts.is_resumed(address) else b".") if address else b""


FAMILIES: Final[dict[str, Callable[[str], Value]]] = {
    "arg_": _argument_named,
    "cookie_": _cookie_named,
    "http_": _field_named,
}
"""For each family, a function that returns the function of one of its names."""
VALUES: Final[dict[str, Value]] = {
    "args": _args,
    "best_http_host": _http_host,
    "content_length": _field(b"content-length"),
    "content_type": _field(b"content-type"),
    "document_uri": _uri,
    "escaped_request_uri": _escaped_request_uri,
    "host": _host,
    "hostname": _hostname,
    "http_host": _http_host,
    "https": _https,
    "is_args": _is_args,
    "msec": _msec,
    "pass_access_scheme": _scheme,
    "proxy_add_x_forwarded_for": _proxy_add_x_forwarded_for,
    "query_string": _args,
    "remote_addr": _remote_addr,
    "remote_port": _remote_port,
    "remote_user": remote_user,
    "req_id": _request_id,
    "request_id": _request_id,
    "request_method": _request_method,
    "request_uri": _request_uri,
    "scheme": _scheme,
    "server_addr": _server_addr,
    "server_port": _server_port,
    "server_protocol": _server_protocol,
    "ssl_cipher": _tls(tls_facts.cipher),
    "ssl_client_escaped_cert": _certificate,
    "ssl_client_i_dn": _issuer,
    "ssl_client_s_dn": _subject,
    "ssl_client_verify": _verify,
    "ssl_protocol": _tls(tls_facts.version),
    "ssl_server_name": _tls(tls_facts.server_name),
    "ssl_session_reused": _reused,
    "time_iso8601": _time_iso8601,
    "uri": _uri,
}
"""A function for each variable that is not of a family."""
