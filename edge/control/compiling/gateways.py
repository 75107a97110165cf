"""The processor of the Gateway API: which Gateways, ListenerSets and routes to translate again when something changes.

Rules of this file:
- The objects that a translation has asked for are remembered (`gateway_look`), whether they exist or not. Only a change
  of one of them causes a new translation.
- A route depends on whether a Service has a port, not on its endpoints: those change all the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.compiling.gateway_addresses import GatewayAddresses
from edge.control.compiling.gateway_look import POLICIES, SETS, GatewayLook, PortState, known_as
from edge.control.compiling.gateway_ports import GatewayPorts
from edge.control.compiling.listener_sets import ListenerSets
from edge.control.compiling.tls_policies import TlsPolicies
from edge.control.kinds.backend_tls import BackendTLSPolicy
from edge.control.kinds.gateway import Gateway, GatewayClass
from edge.control.kinds.gateway_routes import GRPCRoute, TCPRoute, TLSRoute, UDPRoute
from edge.control.kinds.http_routes import HTTPRoute
from edge.control.kinds.listener_sets import ListenerSet
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.services import TCP, UDP
from edge.control.translate.endpoints import EXTERNAL_NAME, find_port
from edge.control.translate.gateway import backend_tls, classes, listeners, route, stream_route
from edge.control.translate.gateway.listener_states import listener_states
from edge.control.translate.parts import BY_UDP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.control.compiling.store import Store
    from edge.control.kinds.core import ConfigMap, Secret
    from edge.control.kinds.objects import Key
    from edge.control.translate.gateway.listener_states import ListenerState
    from edge.control.translate.gateway.view import Assignment
    from edge.control.translate.parts import Translation
    from edge.settings import Settings

STREAMS: Final = (TLSRoute, TCPRoute, UDPRoute)
ROUTES: Final = (HTTPRoute, GRPCRoute, *STREAMS)
TRANSLATED: Final = frozenset(one.kind for one in (GatewayClass, Gateway, ListenerSet, BackendTLSPolicy, *ROUTES))
"""Kinds that are owners of translations."""
Find = Callable[[ObjectId], "Secret | ConfigMap | str | None"]
"""As `View.referent`."""
WITH_STATUS: Final = TRANSLATED
"""Kinds whose status Edge writes."""


class Gateways:
    """The Gateways, ListenerSets and routes of STORE, and what each of them depends on."""

    def __init__(self, store: Store, settings: Settings, find: Find) -> None:
        """FIND: gives Secrets and ConfigMaps that something refers to."""
        self._store = store
        self._settings = settings
        self.find = find
        self._users: dict[ObjectId, set[ObjectId]] = {}
        """By what they depend on."""
        self._used: dict[ObjectId, frozenset[ObjectId]] = {}
        """What an owner depends on."""
        self._addresses = GatewayAddresses(settings.gateway_addresses)
        self._states: dict[Key, tuple[Gateway, tuple[ListenerSet, ...], tuple[ListenerState, ...]]] = {}
        """Of each Gateway as it was, with the ListenerSets that it had."""
        self._own_ports = GatewayPorts(store, settings.gateway_service_ports, settings.bind_address)
        self._serves_ports = bool(settings.gateway_services) and not settings.gateway_addresses
        """Whether Services lead to ports of ours."""
        self._sets = ListenerSets(store)
        self._policies = TlsPolicies(store)
        self._ports: dict[ObjectId, dict[str, PortState]] = {}
        """The known state of ports of Services."""

    def affected(self, changed: Iterable[ObjectId], services: Iterable[Key]) -> set[ObjectId]:
        """The owners to translate again after these objects of the Gateway API have CHANGED, and these SERVICES."""
        owners: set[ObjectId] = set()
        changed = set(changed)
        services = set(services)
        if self._settings.gateway_services:
            owners |= self._served(services, changed)
        changed |= self._moved(one for one in changed if one.kind in (Gateway.kind, GatewayClass.kind))
        for one in changed:
            if one.kind in TRANSLATED:
                owners.add(one)
            owners |= self._users.get(known_as(one), set())
            if one.kind == ListenerSet.kind:
                for key in self._sets.changed((one.namespace, one.name)):
                    owners |= self._users.get(ObjectId(SETS, *key), set())
            if one.kind == BackendTLSPolicy.kind:
                for key in self._policies.changed((one.namespace, one.name)):
                    owners |= self._users.get(ObjectId(POLICIES, *key), set())
        for key in services:
            service = ObjectId("Service", *key)
            before = self._ports.get(service, {})
            after = {port: self.port(key, port) for port in before}
            if before != after:
                self._ports[service] = after
                owners |= self._users.get(service, set())
        return owners

    def _served(self, services: Iterable[Key], changed: set[ObjectId]) -> set[ObjectId]:
        """Read those of SERVICES that belong to Gateways; returns these Gateways. Those that have other ports now are
        among the CHANGED."""
        owners: set[ObjectId] = set()
        for service in services:
            gateway = self._own_ports.gateway_of(service)
            if gateway is not None:
                owners.add(ObjectId(Gateway.kind, *gateway))
                changed.update(ObjectId(Gateway.kind, *key) for key in self._own_ports.adopt(gateway))
        return owners

    def _moved(self, changed: Iterable[ObjectId]) -> set[ObjectId]:
        """Assign addresses after Gateways and their classes have CHANGED; the Gateways that may get others now.

        Those that have an address already, or ask for one, come first.
        """
        waiting: set[Key] = set()
        present: list[Gateway] = []
        for one in changed:
            users = self._users.get(one, set()) if one.kind == GatewayClass.kind else set()
            for name in (one, *users):
                found = self._store.get(name)
                if isinstance(found, Gateway) and self.is_ours(found):
                    present.append(found)
                elif name.kind == Gateway.kind:
                    waiting |= self._addresses.release((name.namespace, name.name))
                    self._states.pop((name.namespace, name.name), None)
                    waiting |= self._own_ports.release((name.namespace, name.name))
        for gateway in sorted(present, key=_needs_choice):
            waiting |= self._addresses.adjust(gateway)
            if self._settings.gateway_services:
                waiting |= self._own_ports.adopt((gateway.metadata.namespace, gateway.metadata.name))
        return {ObjectId(Gateway.kind, *key) for key in waiting}

    def is_ours(self, gateway: Gateway) -> bool:
        """Whether the class of GATEWAY has Edge's controller name."""
        found = self._store.get(ObjectId(GatewayClass.kind, "", gateway.spec.gateway_class_name))
        return isinstance(found, GatewayClass) and found.spec.controller_name == self._settings.controller_class

    def assignment(self, gateway: Gateway, among: Sequence[ListenerState]) -> Assignment:
        """As `View.assignment`; AMONG: its listeners."""
        return self._own_ports.of(gateway, among) if self._serves_ports else self._addresses.of(gateway)

    def listener_states(self, gateway: Gateway, sets: tuple[ListenerSet, ...]) -> tuple[ListenerState, ...]:
        """As `View.listener_states`; SETS: its ListenerSets. All of its routes ask for the same."""
        key = (gateway.metadata.namespace, gateway.metadata.name)
        known = self._states.get(key)
        if known is None or known[0] is not gateway or known[1] != sets:
            known = self._states[key] = (gateway, sets, listener_states(gateway, sets))
        return known[2]

    def service_is_taken(self, gateway: Key) -> bool:
        """As `View.service_is_taken`."""
        return self._own_ports.is_taken(gateway)

    def sets_of(self, gateway: Key) -> Iterable[ListenerSet]:
        """The ListenerSets that name GATEWAY, in the order in which they win."""
        return self._sets.of(gateway)

    def policies_of(self, service: Key) -> tuple[BackendTLSPolicy, ...]:
        """The BackendTLSPolicies for SERVICE, in the order in which they win."""
        return tuple(self._policies.of(service))

    def exists(self, owner: ObjectId) -> bool:
        """Whether there is such an object."""
        return self._store.get(owner) is not None

    def translated(self, owner: ObjectId) -> Translation | None:
        """What OWNER asks for now; None: nothing."""
        look = GatewayLook(self._store, self._settings, self)
        try:
            made = self._made(owner, look)
        finally:
            self._depends(owner, frozenset(look.seen))
        return replace(made, references=tuple(sorted(look.referents))) if made is not None and look.referents else made

    def _made(self, owner: ObjectId, look: GatewayLook) -> Translation | None:
        found = self._store.get(owner)
        if isinstance(found, GatewayClass):
            return classes.translate(found, look, self._settings)
        if isinstance(found, Gateway):
            return listeners.translate(found, look, self._settings)
        if isinstance(found, ListenerSet):
            return listeners.translate_set(found, look, self._settings)
        if isinstance(found, BackendTLSPolicy):
            return backend_tls.translate(found, look)
        if isinstance(found, STREAMS):
            return stream_route.translate(found, look, self._settings)
        return route.translate(found, look) if isinstance(found, HTTPRoute | GRPCRoute) else None

    def port(self, key: Key, port: str) -> PortState:
        """How this PORT of the Service KEY is."""
        service = self._store.service(key)
        if service is None:
            return PortState("MissingService")
        protocol = UDP if port.endswith(BY_UDP) else TCP
        found = find_port(service, port.removesuffix(BY_UDP), protocol)
        if found is None:
            return PortState("" if service.spec.type == EXTERNAL_NAME else "MissingPort")
        return PortState("", found.app_protocol or "", found.name or "")

    def looked_at(self, key: Key, port: str) -> PortState:
        """As `port`, and it is remembered."""
        known = self._ports.setdefault(ObjectId("Service", *key), {})
        if port not in known:
            known[port] = self.port(key, port)
        return known[port]

    def _depends(self, owner: ObjectId, used: frozenset[ObjectId]) -> None:
        before = self._used.pop(owner, frozenset())
        for one in before - used:
            users = self._users[one]
            users.discard(owner)
            if not users:
                del self._users[one]
                self._ports.pop(one, None)
        for one in used - before:
            self._users.setdefault(one, set()).add(owner)
        if used:
            self._used[owner] = used


def _needs_choice(gateway: Gateway) -> tuple[bool, Key]:
    """Sorts GATEWAY behind those whose address is fixed."""
    known = gateway.spec.addresses or (gateway.status is not None and gateway.status.addresses)
    return not known, (gateway.metadata.namespace, gateway.metadata.name)
