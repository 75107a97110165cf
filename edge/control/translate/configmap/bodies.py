"""Bodies of requests and responses: sizes and buffering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.keys import routes

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("proxy-body-size"),
    routes("client-body-buffer-size", remark="Without the key it is 32k."),
    routes("proxy-request-buffering"),
    routes("proxy-buffering"),
    routes("proxy-buffer-size", remark="Without the key the head of a response may have 32 KiB."),
    routes("proxy-buffers-number"),
    routes("proxy-max-temp-file-size"),
    routes("limit-rate"),
    routes("limit-rate-after"),
)
