"""Describes requests to endpoints that speak FastCGI (RFC 3875, section 4.1; nginx's fastcgi_params).

Rules of this file:
- Parameters have the names and values that ingress-nginx gives them, and variables in those of users have its names.
- A path is decoded as a whole, so that it names a file, and dot segments that only appear then are resolved too: no
  request names what lies outside of an application's folder.
- The length of the content is left to the upstream half, and so are the fields of the request (HTTP_*).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from edge.data.exchange.texts import filler
from edge.data.exchange.variables import VALUES
from edge.data.http import replies
from edge.data.net.errors import MessageError
from edge.table.paths import normalise_bytes, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.data.exchange.exchange import Exchange
    from edge.data.exchange.variables import Value
    from edge.data.policies.phases import Phases
    from edge.table.policies import FastCgi

NGINX: Final = b"1.27.1"
"""The version in ingress-nginx 1.15. Applications ask whether the server is nginx before they make links, WordPress for
one, so the parameters name it as they do there."""
ROOT: Final = b"/usr/local/nginx/html"
"""Of documents in ingress-nginx. There are none: what an application is to find, its parameters name."""
PARAMETERS: Final = (
    ("QUERY_STRING", "$query_string"),
    ("REQUEST_METHOD", "$request_method"),
    ("CONTENT_TYPE", "$content_type"),
    ("SCRIPT_NAME", "$fastcgi_script_name"),
    ("REQUEST_URI", "$request_uri"),
    ("DOCUMENT_URI", "$document_uri"),
    ("DOCUMENT_ROOT", "$document_root"),
    ("SERVER_PROTOCOL", "$server_protocol"),
    ("REQUEST_SCHEME", "$scheme"),
    ("HTTPS", "$https"),
    ("GATEWAY_INTERFACE", "CGI/1.1"),
    ("SERVER_SOFTWARE", "nginx/$nginx_version"),
    ("REMOTE_ADDR", "$remote_addr"),
    ("REMOTE_PORT", "$remote_port"),
    ("SERVER_ADDR", "$server_addr"),
    ("SERVER_PORT", "$server_port"),
    ("SERVER_NAME", "$server_name"),
    ("REDIRECT_STATUS", "200"),
)
"""Those of nginx's file `fastcgi_params`."""
IF_NOT_EMPTY: Final = b"HTTPS"


def add(policy: FastCgi, phases: Phases) -> None:
    """An edit of the request, behind all that change its path."""
    values = {**VALUES, **_VALUES, "fastcgi_script_name": _script(policy.index.encode())}
    texts = {**dict(PARAMETERS), **dict(policy.parameters)}
    fillers = [(name.encode(), filler(text, values)) for name, text in texts.items()]

    def edit(exchange: Exchange) -> None:
        filled = [(name, fill(exchange)) for name, fill in fillers]
        exchange.outgoing.old = True  # its content must have a length, as with HTTP/1.0, and there are no trailers
        exchange.outgoing.parameters = [one for one in filled if one[1] or one[0] != IF_NOT_EMPTY]

    phases.edits.append(edit)


def _script(index: bytes) -> Value:
    """The name of the script: the path, and INDEX behind one that ends with a slash."""

    def script(exchange: Exchange) -> bytes:
        path = _uri(exchange)
        return path + index if path.endswith(b"/") else path

    return script


def _uri(exchange: Exchange) -> bytes:
    """The path as the name of a file.

    Raises:
        MessageError: it leads out of the root.
    """
    path = normalise_bytes(path_of(exchange.outgoing.target))
    if b"%" not in path:
        return path
    kept: list[bytes] = []
    segments = unquote_to_bytes(path).split(b"/")
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == b"..":
            if len(kept) < 2:
                raise MessageError(400, "the path leads out of the root")
            kept.pop()
        elif segment not in (b".", b"") or not kept:
            kept.append(segment)
            continue
        if last:
            kept.append(b"")  # what ends with one of them is a folder
    return b"/".join(kept)


def _query(exchange: Exchange) -> bytes:
    return exchange.outgoing.target.partition(b"?")[2]


def _is_args(exchange: Exchange) -> bytes:
    return b"?" if _query(exchange) else b""


def _content_length(exchange: Exchange) -> bytes:
    length = exchange.outgoing.length
    return b"%d" % length if length >= 0 else b""


def _content_type(exchange: Exchange) -> bytes:
    return exchange.client.request.get(b"content-type") or b""


def _https(exchange: Exchange) -> bytes:
    return b"on" if exchange.client.secure else b""


def _server_name(exchange: Exchange) -> bytes:
    return replies.name_of(exchange.client.host).lower()


def _remote_port(exchange: Exchange) -> bytes:
    port = exchange.client.ends()[0][1]
    return b"%d" % port if port else b""


def _server_addr(exchange: Exchange) -> bytes:
    return exchange.client.ends()[1][0].encode("latin-1")


_VALUES: Final[Mapping[str, Value]] = {
    "args": _query,
    "content_length": _content_length,
    "content_type": _content_type,
    "document_root": lambda _: ROOT,
    "document_uri": _uri,
    "fastcgi_path_info": lambda _: b"",  # nothing splits it off
    "https": _https,
    "is_args": _is_args,
    "nginx_version": lambda _: NGINX,
    "query_string": _query,
    "remote_port": _remote_port,
    "remote_user": lambda _: b"",
    "request_method": lambda exchange: exchange.outgoing.method,
    "server_addr": _server_addr,
    "server_name": _server_name,
    "server_protocol": lambda exchange: b"HTTP/%d.%d" % divmod(exchange.client.request.version, 10),
    "uri": _uri,
}
