"""ListenerSet of the Gateway API as a typed struct: further listeners of a Gateway, of other owners.

Rules of this file: those of `edge.control.kinds.gateway`.
"""

from __future__ import annotations

from edge.control.kinds.gateway import GROUP, VERSION, Listener
from edge.control.kinds.objects import Named, Struct


class ParentGateway(Struct, frozen=True):
    """The Gateway of a ListenerSet (ParentGatewayReference)."""

    name: str = ""
    namespace: str = ""
    """Empty: that of the ListenerSet."""
    group: str = GROUP
    kind: str = "Gateway"


class ListenerSetSpec(Struct, frozen=True):
    """What a ListenerSet asks for."""

    parent_ref: ParentGateway = ParentGateway()
    listeners: tuple[Listener, ...] = ()


class ListenerSet(Named, frozen=True):
    """Listeners that are added to a Gateway."""

    kind = "ListenerSet"
    api_version = VERSION
    spec: ListenerSetSpec = ListenerSetSpec()

    @property
    def gateway(self) -> tuple[str, str]:
        """Namespace and name of its Gateway."""
        return self.spec.parent_ref.namespace or self.metadata.namespace, self.spec.parent_ref.name
