"""The listeners of one Gateway, its own and those of its ListenerSets: which can be served, and which routes may
attach.

Rules of this file:
- Only these objects are read. The Gateway's translation checks certificates.
- Listeners of one object that conflict are all left out. Between objects the Gateway takes precedence, then the older
  ListenerSet, then the one that comes first by namespace and name.

Source: Gateway API v1.6, Listener, "Distinct Listeners"; ListenerSet, "Listener precedence".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.kinds.gateway import GROUP
from edge.control.kinds.names import host_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.control.kinds.gateway import Gateway, Listener
    from edge.control.kinds.listener_sets import ListenerSet
    from edge.control.kinds.objects import ObjectId

SCHEMES: Final = {"HTTP": "http", "HTTPS": "https"}
"""Schemes of the requests that a listener takes, by its protocol; the others take no HTTP."""
_HTTP: Final = ((GROUP, "HTTPRoute"), (GROUP, "GRPCRoute"))
ROUTE_KINDS: Final = {
    "HTTP": _HTTP,
    "HTTPS": _HTTP,
    "TLS": ((GROUP, "TLSRoute"),),
    "TCP": ((GROUP, "TCPRoute"),),
    "UDP": ((GROUP, "UDPRoute"),),
}
"""Group and kind of the routes that may attach, by protocol; listeners of other protocols are not served."""
FAMILIES: Final = {"HTTP": "HTTP", "HTTPS": "TLS", "TLS": "TLS", "TCP": "TCP", "UDP": "UDP"}
"""What a socket is for, by protocol: two families cannot share a port, but UDP has ports of its own."""
DATAGRAMS: Final = "UDP"


class ListenerState(msgspec.Struct, frozen=True, gc=False):
    """One listener."""

    owner: ObjectId
    """The Gateway or ListenerSet that has it."""
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
    """Allowed kinds that are not supported."""

    @property
    def served(self) -> bool:
        """Whether it takes requests."""
        return not self.refusal and not self.conflict

    @property
    def field(self) -> str:
        """Its field in the object."""
        return f"spec.listeners[{self.number}]"


def listener_states(gateway: Gateway, sets: Sequence[ListenerSet] = ()) -> tuple[ListenerState, ...]:
    """All listeners of GATEWAY, and of SETS, which may attach to it, in the order of precedence."""
    found: list[ListenerState] = []
    for owner, listeners in ((gateway.id, gateway.spec.listeners), *((one.id, one.spec.listeners) for one in sets)):
        before = [one.listener for one in found if one.served]
        lost = [_conflict(one, before) for one in listeners]
        beside = [one for one, conflict in zip(listeners, lost, strict=True) if not conflict]
        for number, one in enumerate(listeners):
            conflict = lost[number] or _conflict(one, [other for other in beside if other is not one])
            found.append(_state(owner, number, one, conflict))
    return tuple(found)


def _state(owner: ObjectId, number: int, listener: Listener, conflict: str) -> ListenerState:
    """LISTENER of OWNER, which is in CONFLICT with another one (empty: with none)."""
    hostname = host_name(listener.hostname)
    if listener.protocol not in ROUTE_KINDS:
        return ListenerState(owner, number, listener, hostname, "" if conflict else "UnsupportedProtocol", conflict)
    possible = ROUTE_KINDS[listener.protocol]
    asked = tuple((kind.group, kind.kind) for kind in listener.allowed_routes.kinds)
    kinds = tuple(kind for kind in asked if kind in possible) if asked else possible
    unknown = tuple(f"{kind} of {group}" for group, kind in asked if (group, kind) not in possible)
    return ListenerState(owner, number, listener, hostname, "", conflict, kinds, unknown)


def _conflict(listener: Listener, others: Iterable[Listener]) -> str:
    """Why LISTENER cannot be served beside OTHERS; empty: it can."""
    return next((conflict for other in others if (conflict := _between(listener, other))), "")


def _between(listener: Listener, other: Listener) -> str:
    one, another = (FAMILIES.get(each.protocol, "") for each in (listener, other))
    if listener.port != other.port or not (one and another) or (one != another and DATAGRAMS in (one, another)):
        return ""
    if one != another:
        return "ProtocolConflict"
    return "HostnameConflict" if host_name(listener.hostname) == host_name(other.hostname) else ""


def scope_of(gateway: ObjectId, listener: Listener) -> str:
    """The scope of the listeners of GATEWAY at the port of LISTENER, where it has addresses of its own."""
    datagrams = "/udp" if listener.protocol == DATAGRAMS else ""
    return f"{gateway.namespace}/{gateway.name}:{listener.port}{datagrams}"
