"""Connections of clients: how long they are kept, and how large a request's head may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import BOOLEAN, Form, integer, size, time
from edge.control.translate.configmap.keys import group, workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Found, Key

_LARGEST_HEAD: Final = 60 << 10
"""What Edge takes at most."""


def _buffers(text: str) -> tuple[int, int] | None:
    number, _, each = text.partition(" ")
    found = integer(1, 1024).parse(number), size(64).parse(each.strip())
    return None if None in found else found


BUFFERS: Final = Form("a number and a size, such as 4 8k", _buffers)
KEYS: Final[tuple[Key, ...]] = (
    workers("keep-alive", time()),
    workers("keep-alive-requests", integer(), remark="At 0 there is no limit."),
    workers("client-header-timeout", time(0.001)),
    workers("client-body-timeout", time(0.001)),
    workers("use-http2", BOOLEAN),
    workers("http2-max-concurrent-streams", integer(1)),
    group(
        "large-client-header-buffers",
        BUFFERS,
        "A head may have as many bytes as all buffers, 60 KiB at most; one field may be as large as that.",
    ),
    workers("max-worker-connections", integer(1)),
)


def parameters(found: Found) -> Iterator[tuple[str, object]]:
    """As in nginx, a line that is too long is answered 414, and a head that is too large 400."""
    yield "large_header_status", 400
    if found.is_set("large-client-header-buffers"):
        number, each = found.get("large-client-header-buffers")
        yield "max_header_size", min(number * each, _LARGEST_HEAD)
        yield "max_request_line", min(each, _LARGEST_HEAD)
