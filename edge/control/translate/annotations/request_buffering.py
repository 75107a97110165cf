"""Reading request bodies before an endpoint is asked: proxy-request-buffering and client-body-buffer-size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.request_buffering import ANY, RequestBuffering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_NAMES: Final = ("proxy-request-buffering", "client-body-buffer-size")
NAMES: Final = frozenset(_NAMES)
MOST: Final = {"on": ANY, "off": 0}
"""Bytes that are read before, by the word."""
DIFFERENCES: Final = {
    "proxy-request-buffering": "With `on`, trailers of a request are passed on; ingress-nginx drops them.",
    "client-body-buffer-size": (
        "The default is 32k instead of 8k, and smaller sizes count as 32k; clients and applications see no difference."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """One policy for both, if it differs from the default."""
    normal = RequestBuffering("")
    most = values.choice("proxy-request-buffering", MOST, normal.most)
    memory = max(values.size("client-body-buffer-size", normal.memory), normal.memory)
    asked = RequestBuffering(values.source(*_NAMES), most, memory)
    if asked != RequestBuffering(asked.source):
        yield Wanted(asked)
