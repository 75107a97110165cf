"""Who the client is: the PROXY protocol, and the fields by which proxies in front describe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import BOOLEAN, NETWORKS, time
from edge.control.translate.configmap.keys import workers

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    workers("use-forwarded-headers", BOOLEAN),
    workers("proxy-real-ip-cidr", NETWORKS),
    workers("compute-full-forwarded-for", BOOLEAN),
    workers("enable-underscores-in-headers", BOOLEAN),
    workers("use-proxy-protocol", BOOLEAN),
    workers("proxy-protocol-header-timeout", time(0.001)),
)
