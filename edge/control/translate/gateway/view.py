"""The other objects that a translation may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from edge.control.kinds.services import UDP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.kinds.backend_tls import BackendTLSPolicy
    from edge.control.kinds.core import ConfigMap, Secret
    from edge.control.kinds.gateway import Gateway, GatewayClass, Listener
    from edge.control.kinds.listener_sets import ListenerSet
    from edge.control.kinds.objects import Key, ObjectId
    from edge.control.translate.gateway.listener_states import ListenerState


class Assignment(msgspec.Struct, frozen=True):
    """The addresses of a Gateway."""

    addresses: tuple[str, ...] = ()
    """Where its listeners have sockets of their own."""
    shown: tuple[tuple[str, str], ...] = ()
    """Type and value of those that clients know, for the status."""
    ports: tuple[tuple[int, bool, int], ...] = ()
    """Ports of listeners, whether they are of UDP, and the ports of ours that a Service leads to from there; none: the
    sockets have the ports of the listeners."""
    shared: bool = False
    """Whether it has none of its own, but those of Edge."""
    unsupported: str = ""
    """A type of address that is asked for and not supported."""
    unusable: str = ""
    """Why a requested address is not available."""
    missing: str = ""
    """Why none is left."""
    pending: str = ""
    """Why there is no address yet: nothing is wrong, or it is reported elsewhere."""

    def port_of(self, listener: Listener) -> int:
        """The port of the sockets for LISTENER."""
        datagrams = listener.protocol == UDP
        return next((own for port, udp, own in self.ports if (port, udp) == (listener.port, datagrams)), listener.port)


SHARED = Assignment(shared=True)


class View(Protocol):
    """The other objects on which an object of the Gateway API may depend."""

    def gateway(self, key: Key) -> Gateway | None:
        """The Gateway KEY."""

    def listener_set(self, key: Key) -> ListenerSet | None:
        """The ListenerSet KEY."""

    def listener_sets(self, gateway: Gateway) -> tuple[ListenerSet, ...]:
        """The ListenerSets that GATEWAY accepts, in the order of precedence."""

    def listener_states(self, gateway: Gateway) -> tuple[ListenerState, ...]:
        """The listeners of GATEWAY and of the ListenerSets that it accepts, in the order of precedence."""

    def is_ours(self, gateway: Gateway) -> bool:
        """Whether the class of GATEWAY has Edge's controller name."""

    def class_fault(self, gateway: Gateway) -> str:
        """Why the class of GATEWAY cannot be known; empty: it can."""

    def gateway_class(self, gateway: Gateway) -> GatewayClass | None:
        """The class of GATEWAY."""

    def service_is_taken(self, gateway: Key) -> bool:
        """Whether a Service that is not Edge's has the name of that of GATEWAY."""

    def assignment(self, gateway: Gateway) -> Assignment:
        """The addresses of GATEWAY, which is ours."""

    def labels(self, namespace: str) -> Mapping[str, str]:
        """The labels of NAMESPACE."""

    def is_granted(self, owner: ObjectId, target: ObjectId) -> bool:
        """Whether a ReferenceGrant lets OWNER refer to TARGET, which is in another namespace."""

    def tls_policies(self, service: Key) -> tuple[BackendTLSPolicy, ...]:
        """The BackendTLSPolicies for SERVICE, the older one first, then by name."""

    def referent(self, name: ObjectId) -> Secret | ConfigMap | str | None:
        """The object NAME; text: why it cannot be read; None: it has not been read yet."""

    def port_name(self, service: Key, port: str) -> str:
        """Name of this port of SERVICE; empty: it has none."""

    def app_protocol(self, service: Key, port: str) -> str:
        """`appProtocol` of this port of SERVICE; empty: it has none."""

    def service_fault(self, service: Key, port: str) -> str:
        """`MissingService` or `MissingPort` when SERVICE has no such TCP port; empty: it has."""
