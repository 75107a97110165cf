"""Silence of endpoints: proxy-connect-timeout, proxy-send-timeout, proxy-read-timeout, in whole seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.timeouts import Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_NAMES: Final = ("proxy-connect-timeout", "proxy-send-timeout", "proxy-read-timeout")
NAMES: Final = frozenset(_NAMES)
DIFFERENCES: Final = {
    "proxy-read-timeout": (
        "A value other than 60 is also the longest silence of a WebSocket; without one that is "
        "`--websocket-timeout`, an hour."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """One policy for all three, if any of them differs from its default."""
    normal = Timeouts("")
    connect = values.integer("proxy-connect-timeout", int(normal.connect), least=1)
    send = values.integer("proxy-send-timeout", int(normal.send), least=1)
    silence = values.integer("proxy-read-timeout", int(normal.read), least=1)
    asked = Timeouts(values.source(*_NAMES), float(connect), float(send), float(silence))
    if asked != Timeouts(asked.source):
        yield Wanted(asked)
