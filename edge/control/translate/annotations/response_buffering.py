"""Reading responses ahead of their clients: proxy-buffering, proxy-buffers-number, proxy-max-temp-file-size.

The memory is that of proxy-buffers-number buffers of proxy-buffer-size (`response_head.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.response_buffering import ResponseBuffering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_NAMES: Final = ("proxy-buffering", "proxy-buffers-number", "proxy-buffer-size", "proxy-max-temp-file-size")
NAMES: Final = frozenset(_NAMES) - {"proxy-buffer-size"} | {"proxy-busy-buffers-size"}
SWITCH: Final = {"on": True, "off": False}
BUFFER: Final = 4096
"""Bytes of a buffer."""
BUFFERS: Final = 4
MOST_MEMORY: Final = 1 << 40
DIFFERENCES: Final = {
    "proxy-buffering": "With `on`, what has come is sent at once, whether it fills a buffer or not.",
    "proxy-buffers-number": "Less than 64k of buffers in all count as 64k.",
    "proxy-busy-buffers-size": "Accepted; has no effect, because nothing that a client could see depends on it.",
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """One policy for all, if it differs from the default."""
    normal = ResponseBuffering("")
    on = is_on(values)
    buffers = values.integer("proxy-buffers-number", BUFFERS, least=1)
    buffer = values.size("proxy-buffer-size", BUFFER, least=1)
    file = values.size("proxy-max-temp-file-size", normal.file)
    values.size("proxy-busy-buffers-size", 0)
    asked = ResponseBuffering(values.source(*_NAMES), on, min(buffers * buffer, MOST_MEMORY), file)
    if asked != ResponseBuffering(asked.source):
        yield Wanted(asked)


def is_on(values: Values) -> bool:
    """Whether responses are read ahead that do not say themselves whether they should be."""
    return values.choice("proxy-buffering", SWITCH, default=False)
