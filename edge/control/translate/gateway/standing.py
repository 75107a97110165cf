"""The listeners of one Gateway: which of them can be served, and what may attach to them.

Rules of this file:
- Only the Gateway itself is looked at. Certificates are judged by the Gateway's translation.
- Listeners that contradict each other are all left out: none of them is chosen for the author.

Source: Gateway API v1.6, Listener, "Distinct Listeners".
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.kinds.gateway import GROUP
from edge.control.kinds.names import host_name

if TYPE_CHECKING:
    from edge.control.kinds.gateway import Gateway, Listener

SCHEMES: Final = {"HTTP": "http", "HTTPS": "https"}
"""Schemes of the requests that a listener takes, by its protocol; listeners of other protocols are not served."""
ROUTE_KINDS: Final = ((GROUP, "HTTPRoute"),)
"""Group and kind of the routes that may attach to them."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """One listener."""

    number: int
    listener: Listener
    hostname: str
    """In lower case; empty: any."""
    refusal: str = ""
    """Reason for which it is not accepted; empty: it is."""
    conflict: str = ""
    """Reason for which it is in conflict with another listener."""
    kinds: tuple[tuple[str, str], ...] = ()
    """Group and kind of the routes that may attach."""
    unknown_kinds: tuple[str, ...] = ()
    """Kinds that are allowed in vain."""

    @property
    def served(self) -> bool:
        """Whether it takes requests."""
        return not self.refusal and not self.conflict

    @property
    def field(self) -> str:
        """Where it stands in the Gateway."""
        return f"spec.listeners[{self.number}]"


def standings(gateway: Gateway) -> tuple[Standing, ...]:
    """All listeners of GATEWAY."""
    ports: dict[int, list[Listener]] = defaultdict(list)
    for one in gateway.spec.listeners:
        ports[one.port].append(one)
    return tuple(_standing(number, one, ports[one.port]) for number, one in enumerate(gateway.spec.listeners))


def _standing(number: int, listener: Listener, beside: list[Listener]) -> Standing:
    """LISTENER among those BESIDE it that have the same port."""
    hostname = host_name(listener.hostname)
    if listener.protocol not in SCHEMES:
        return Standing(number, listener, hostname, "UnsupportedProtocol")
    conflict = ""
    for other in beside:
        if other is listener or other.protocol not in SCHEMES:
            continue
        if other.protocol != listener.protocol:
            conflict = "ProtocolConflict"
        elif host_name(other.hostname) == hostname:
            conflict = conflict or "HostnameConflict"
    asked = tuple((kind.group, kind.kind) for kind in listener.allowed_routes.kinds)
    kinds = tuple(kind for kind in asked if kind in ROUTE_KINDS) if asked else ROUTE_KINDS
    unknown = tuple(f"{kind} of {group}" for group, kind in asked if (group, kind) not in ROUTE_KINDS)
    return Standing(number, listener, hostname, "", conflict, kinds, unknown)


def scope_of(gateway: Gateway, port: int) -> str:
    """The scope of GATEWAY's listeners at PORT, where it has addresses of its own."""
    return f"{gateway.metadata.namespace}/{gateway.metadata.name}:{port}"
