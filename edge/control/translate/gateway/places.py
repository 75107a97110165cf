"""The records of the hosts of an HTTPRoute or a GRPCRoute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.translate.gateway.hostnames import record_name
from edge.control.translate.gateway.listener_states import SCHEMES
from edge.table.records import scoped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.kinds.gateway import Gateway
    from edge.control.translate.gateway.attaching import Meeting


class Place:
    """Where a host of a route is served.

    - `scoped`: whether that is at addresses of the Gateway's own. `listener`: the host name of the listener, as a
      record has it; empty where it is not.
    - `gateway`: of several with the same addresses, the first that the route names.
    - `schemes`: in which requests come.
    """

    def __init__(self, gateway: Gateway, listener: str, *, scoped: bool) -> None:
        self.gateway = gateway
        self.listener = listener
        self.scoped = scoped
        self.schemes: set[str] = set()


def places(meetings: Iterable[Meeting]) -> dict[str, Place]:
    """The places of MEETINGS, by key of the host's record."""
    found: dict[str, Place] = {}
    for one in meetings:
        state, scope = one.state, one.scope
        listener = record_name(state.hostname) if scope else ""
        place = found.setdefault(scoped(scope, record_name(one.host)), Place(one.gateway, listener, scoped=bool(scope)))
        place.schemes.add(SCHEMES[state.listener.protocol])
    return found
