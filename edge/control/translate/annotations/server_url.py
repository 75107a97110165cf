"""URLs of servers that Edge sends requests to for a client."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from edge.control.translate import addresses
from edge.table import templates, variables

VISIBLE: Final = re.compile(r"[!\"$-~]*")
"""No space, and no fragment."""
_URL: Final = re.compile(
    r"(?i:(https?)://)(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|\$host|\$\{host\})(?::([0-9]{1,5}))?([/?].*)?"
)


class Server(NamedTuple):
    """The parts of a URL of a server.

    - `name`: a name, an address without brackets, or `$host`. `host`: the Host field. `target`: with variables.
    """

    secure: bool
    name: str
    port: int
    host: str
    target: str


def server_of(text: str) -> Server | str:
    """The server of the URL TEXT; text: why it is not valid."""
    found = _URL.fullmatch(text)
    if found is None or VISIBLE.fullmatch(text) is None or ".." in found[2]:
        return f'"{text}" is not a URL of http or https whose host is a name, an address or $host'
    host = "$host" if "$" in found[2] else found[2].lower()
    name = host.strip("[]")
    if name != host and not addresses.pack(name):
        return f"{host} is not an address"
    secure = found[1].lower() == "https"
    port = int(found[3]) if found[3] else 443 if secure else 80
    if not 0 < port < 65536:
        return f'"{found[3]}" is not a port'
    target = found[4] or "/"
    try:
        templates.parse(target, variables.REQUEST)
    except templates.TemplateError as error:
        return str(error)
    return Server(secure, name, port, host, target if target.startswith("/") else f"/{target}")
