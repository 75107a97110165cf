"""The size of the heads of responses: proxy-buffer-size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.settings import LARGEST_HEAD
from edge.table.policies.response_head import ResponseHead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"proxy-buffer-size"})
DIFFERENCES: Final = {
    "proxy-buffer-size": (
        "Without it a head may have 32 KiB (`--max-response-header-size`) instead of 4, and never more than 60."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """Without a value the proxy's own limit holds."""
    size = values.size("proxy-buffer-size", 0, least=1)
    if size:
        yield Wanted(ResponseHead(values.source("proxy-buffer-size"), min(size, LARGEST_HEAD)))
