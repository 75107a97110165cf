"""Copies of requests: mirror-target, mirror-host and mirror-request-body."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.server_url import Server, server_of
from edge.control.translate.annotations.wanted import Wanted
from edge.table import templates, variables
from edge.table.policies.mirror import Mirror
from edge.table.remotes import remote_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_TARGET: Final = "mirror-target"
_HOST: Final = "mirror-host"
_CONTENT: Final = "mirror-request-body"
NAMES: Final = frozenset({_TARGET, _HOST, _CONTENT})
DIFFERENCES: Final = {
    _TARGET: (
        "A copy never delays or fails a request: a worker has 64 under way for each route at most. Further ones are "
        "left out, and so are those of requests whose content is streamed or has more than 1 MiB. A target without "
        "path gets that of the request. Servers that are asked by https get their name by SNI."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""
_BARE: Final = re.compile(r"((?i:https?)://[^/?$]+)(\$[!\"$-~]*)?")
"""A URL without path, or whose path is a variable."""
_NAME: Final = re.compile(r"[A-Za-z0-9._~:\[\]-]{1,255}")


def _name(text: str) -> str | None:
    return text if _NAME.fullmatch(text) else None


def read(values: Values) -> Iterator[Wanted]:
    """`mirror-target` asks for it. If it cannot be read, there are no copies: nothing else depends on it."""
    host = values.parsed(_HOST, "a host", _name, "")
    with_content = values.choice(_CONTENT, {"on": True, "off": False}, True)
    text = values.text(_TARGET)
    if not text:
        return
    server = _server(text)
    if isinstance(server, str):
        values.report(_TARGET, f"{server}; the annotation is ignored")
        return
    remote = remote_key(server.name, server.port)
    made = Mirror(values.source(_TARGET), remote, host or server.host, server.target, with_content, server.secure)
    yield Wanted(made)


def _server(text: str) -> Server | str:
    """The server and the target of the URL TEXT; text: why it cannot be a mirror."""
    found = _BARE.fullmatch(text)
    server = server_of(found[1] if found is not None else text)
    if isinstance(server, str):
        return server
    if "$" in server.name:
        return "a client could choose the server by $host"
    if found is None:
        # As in nginx, a path without variables gets the query of the request.
        constant = "$" not in server.target and "?" not in server.target
        return server._replace(target=f"{server.target}$is_args$args") if constant else server
    target = found[2] or "$request_uri"
    try:
        templates.parse(target, variables.REQUEST)
    except templates.TemplateError as error:
        return str(error)
    return server._replace(target=target)
