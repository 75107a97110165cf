"""The Connection field that endpoints get: connection-proxy-header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.connection_field import ConnectionField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"connection-proxy-header"})
_CHOICES: Final = {"close": "close", "keep-alive": "keep-alive"}
DIFFERENCES: Final = {
    "connection-proxy-header": "A request for another protocol (WebSocket) keeps its own Connection field.",
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """`close` or `keep-alive`, as in ingress-nginx."""
    value = values.choice("connection-proxy-header", _CHOICES, "")
    if value:
        yield Wanted(ConnectionField(values.source("connection-proxy-header"), value))
