"""Connections of clients: how long they are kept, and how large a request's head may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import BOOLEAN, integer, time
from edge.control.translate.configmap.keys import workers

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    workers("keep-alive", time()),
    workers("keep-alive-requests", integer()),
    workers("client-header-timeout", time(0.001)),
    workers("client-body-timeout", time(0.001)),
    workers("use-http2", BOOLEAN),
    workers("http2-max-concurrent-streams", integer(1)),
    workers("max-worker-connections", integer(1)),
)
