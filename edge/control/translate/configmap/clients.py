"""The address of the client: the PROXY protocol, and header fields of proxies in front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import BOOLEAN, FIELD_NAME, TEXT, time
from edge.control.translate.configmap.keys import group, without_effect, workers
from edge.table import networks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Found, Key

KEYS: Final[tuple[Key, ...]] = (
    workers("use-forwarded-headers", BOOLEAN),
    group("proxy-real-ip-cidr", TEXT, "A network that cannot be read is not trusted."),
    workers("compute-full-forwarded-for", BOOLEAN),
    workers("enable-underscores-in-headers", BOOLEAN),
    workers("use-proxy-protocol", BOOLEAN),
    workers("enable-real-ip", BOOLEAN),
    workers("forwarded-for-header", FIELD_NAME, remark="Endpoints always get X-Forwarded-For."),
    workers("forwarded-host-header", FIELD_NAME),
    *without_effect(
        "With the PROXY protocol a trusted header names the client, without a field.",
        "forwarded-for-proxy-protocol-header",
    ),
    workers("proxy-protocol-header-timeout", time(0.001)),
)


def parameters(found: Found) -> Iterator[tuple[str, object]]:
    """The networks of trusted peers; none if the list is set but cannot be read."""
    if found.get("proxy-real-ip-cidr"):
        yield "proxy_real_ip_cidr", found.each("proxy-real-ip-cidr", networks.parse)
