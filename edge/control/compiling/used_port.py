"""A port of a Service that a backend names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edge.control.translate.endpoints import Found

if TYPE_CHECKING:
    from edge.control.kinds.objects import Key


class UsedPort(msgspec.Struct, gc=False):
    """One port of a Service in use, and the endpoints that were found for it."""

    service: Key
    port: str
    by_cluster_ip: bool
    protocol: str
    external_name: str = ""
    """The external name of the Service."""
    pending: bool = False
    """Whether that name is still being looked up."""
    found: Found = Found()
    app_protocol: str = ""
    """`appProtocol` of the port."""

    def verdict(self) -> tuple[object, ...]:
        """What the problems of its users depend on."""
        found = self.found
        return found.fault, found.detail, found.refused, not found.endpoints, self.pending, self.external_name
