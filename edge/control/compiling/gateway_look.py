"""What one translation of the Gateway API reads of other objects, and which ones it has read.

Rules of this file:
- Every object that is asked for is noted, whether it exists or not: `Gateways` translates again when one of them
  changes.
- Answers that translations share come from `Shared`, which `Gateways` implements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from edge.control.kinds.core import Namespace
from edge.control.kinds.gateway import Gateway, GatewayClass
from edge.control.kinds.listener_sets import ListenerSet
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.reference_grants import ReferenceGrant
from edge.control.translate.gateway.grants import allowed
from edge.control.translate.gateway.namespaces import selected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge.control.compiling.store import Store
    from edge.control.kinds.backend_tls import BackendTLSPolicy
    from edge.control.kinds.core import ConfigMap, Secret
    from edge.control.kinds.objects import Key
    from edge.control.translate.gateway.listener_states import ListenerState
    from edge.control.translate.gateway.view import Assignment
    from edge.settings import Settings

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The label with the name of a namespace, which every namespace of a cluster has."""
SETS: Final = "ListenerSets"
"""Kind of a dependency on all ListenerSets of a Gateway, by the Gateway's name."""
POLICIES: Final = "BackendTLSPolicies"
"""The same for those of a Service."""


class PortState(NamedTuple):
    """A port of a Service, as far as routes depend on it."""

    fault: str = ""
    """As `View.service_fault`."""
    app_protocol: str = ""
    name: str = ""


class Shared(Protocol):
    """What is known of all Gateways, ListenerSets and routes together."""

    def assignment(self, gateway: Gateway, among: Sequence[ListenerState]) -> Assignment:
        """As `View.assignment`; AMONG: its listeners."""
        ...

    def listener_states(self, gateway: Gateway, sets: tuple[ListenerSet, ...]) -> tuple[ListenerState, ...]:
        """As `View.listener_states`; SETS: its ListenerSets."""
        ...

    def service_is_taken(self, gateway: Key) -> bool:
        """As `View.service_is_taken`."""
        ...

    def sets_of(self, gateway: Key) -> Iterable[ListenerSet]:
        """The ListenerSets that name GATEWAY, in the order in which they win."""
        ...

    def policies_of(self, service: Key) -> tuple[BackendTLSPolicy, ...]:
        """The BackendTLSPolicies for SERVICE, in the order in which they win."""
        ...

    def looked_at(self, key: Key, port: str) -> PortState:
        """How this PORT of the Service KEY is; it is remembered."""
        ...

    def find(self, name: ObjectId, /) -> Secret | ConfigMap | str | None:
        """As `View.referent`."""
        ...


class GatewayLook:
    """The `View` of one translation, which notes what it is asked for."""

    def __init__(self, store: Store, settings: Settings, shared: Shared) -> None:
        self._store = store
        self._settings = settings
        self._shared = shared
        self.seen: set[ObjectId] = set()
        self.referents: set[ObjectId] = set()

    def gateway(self, key: Key) -> Gateway | None:
        """As `View.gateway`."""
        return cast("Gateway | None", self._get(ObjectId(Gateway.kind, *key)))

    def listener_set(self, key: Key) -> ListenerSet | None:
        """As `View.listener_set`."""
        return cast("ListenerSet | None", self._get(ObjectId(ListenerSet.kind, *key)))

    def listener_sets(self, gateway: Gateway) -> tuple[ListenerSet, ...]:
        """As `View.listener_sets`."""
        key = (gateway.metadata.namespace, gateway.metadata.name)
        self.seen.add(ObjectId(SETS, *key))
        rules = gateway.spec.allowed_listeners.namespaces
        found = () if rules.origin == "None" else self._shared.sets_of(key)
        return tuple(one for one in found if selected(rules, one.metadata.namespace, key[0], self))

    def is_ours(self, gateway: Gateway) -> bool:
        """As `View.is_ours`."""
        found = self._class(gateway)
        return found is not None and found.spec.controller_name == self._settings.controller_class

    def class_fault(self, gateway: Gateway) -> str:
        """As `View.class_fault`."""
        if self._class(gateway) is not None:
            return ""
        name, controller = gateway.spec.gateway_class_name, self._settings.controller_class
        return f'GatewayClass "{name}" does not exist; make one with controllerName {controller}'

    def gateway_class(self, gateway: Gateway) -> GatewayClass | None:
        """As `View.gateway_class`."""
        return self._class(gateway)

    def assignment(self, gateway: Gateway) -> Assignment:
        """As `View.assignment`."""
        return self._shared.assignment(gateway, self.listener_states(gateway))

    def listener_states(self, gateway: Gateway) -> tuple[ListenerState, ...]:
        """As `View.listener_states`."""
        return self._shared.listener_states(gateway, self.listener_sets(gateway))

    def service_is_taken(self, gateway: Key) -> bool:
        """As `View.service_is_taken`."""
        return self._shared.service_is_taken(gateway)

    def labels(self, namespace: str) -> Mapping[str, str]:
        """As `View.labels`."""
        found = self._get(ObjectId(Namespace.kind, "", namespace))
        labels = found.metadata.labels or {} if isinstance(found, Namespace) else {}
        return {**labels, NAME_LABEL: namespace}

    def is_granted(self, owner: ObjectId, target: ObjectId) -> bool:
        """As `View.is_granted`."""
        self.seen.add(known_as(ObjectId(ReferenceGrant.kind, target.namespace, "")))
        grants = cast("Iterable[ReferenceGrant]", self._store.objects(ReferenceGrant.kind))
        return allowed((one for one in grants if one.metadata.namespace == target.namespace), owner, target)

    def service_fault(self, service: Key, port: str) -> str:
        """As `View.service_fault`."""
        return self._port(service, port).fault

    def tls_policies(self, service: Key) -> tuple[BackendTLSPolicy, ...]:
        """As `View.tls_policies`."""
        self.seen.add(ObjectId(POLICIES, *service))
        return self._shared.policies_of(service)

    def referent(self, name: ObjectId) -> Secret | ConfigMap | str | None:
        """As `View.referent`."""
        self.referents.add(name)
        return self._shared.find(name)

    def port_name(self, service: Key, port: str) -> str:
        """As `View.port_name`."""
        return self._port(service, port).name

    def app_protocol(self, service: Key, port: str) -> str:
        """As `View.app_protocol`."""
        return self._port(service, port).app_protocol

    def _port(self, service: Key, port: str) -> PortState:
        self.seen.add(ObjectId("Service", *service))
        return self._shared.looked_at(service, port)

    def _class(self, gateway: Gateway) -> GatewayClass | None:
        name = ObjectId(GatewayClass.kind, "", gateway.spec.gateway_class_name)
        return cast("GatewayClass | None", self._get(name))

    def _get(self, name: ObjectId) -> object:
        self.seen.add(name)
        return self._store.get(name)


def known_as(one: ObjectId) -> ObjectId:
    """What users of ONE depend on: itself, or all the ReferenceGrants of a namespace."""
    return ObjectId(one.kind, one.namespace, "") if one.kind == ReferenceGrant.kind else one
