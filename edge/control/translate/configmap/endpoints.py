"""Connections to endpoints: time-outs, retries, balancing, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import integer, time
from edge.control.translate.configmap.keys import routes, workers

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("proxy-connect-timeout"),
    routes("proxy-read-timeout"),
    routes("proxy-send-timeout"),
    routes("proxy-next-upstream"),
    routes("proxy-next-upstream-tries"),
    routes("proxy-next-upstream-timeout"),
    routes("retry-non-idempotent"),
    routes("proxy-http-version"),
    routes("service-upstream"),
    routes("load-balance"),
    routes("upstream-hash-by"),
    routes("upstream-hash-by-subset"),
    routes("upstream-hash-by-subset-size"),
    workers("upstream-keepalive-connections", integer()),
    workers("upstream-keepalive-timeout", time()),
    workers("upstream-keepalive-requests", integer()),
    workers("upstream-keepalive-time", time()),
)
