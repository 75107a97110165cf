"""The ports of ours that the Services of Gateways lead to, with `--gateway-services`.

Rules of this file:
- The Service of a Gateway is authoritative: all instances of Edge read the same Services, and so agree, and a restart
  changes nothing. A port that no Service has yet is chosen by the names, so that the other instances usually choose the
  same.
- If two Services lead to the same port of ours, the older one keeps it; the other one is given another port.
- A port is released when its listener or its Gateway is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from edge.control.translate.gateway import services
from edge.control.translate.gateway.listener_states import ROUTE_KINDS
from edge.control.translate.gateway.view import Assignment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.control.compiling.store import Store
    from edge.control.kinds.gateway import Gateway
    from edge.control.kinds.objects import Key
    from edge.control.kinds.services import Service
    from edge.control.translate.gateway.listener_states import ListenerState

    Place = tuple[int, bool]
    """Port of a listener, and whether it is for UDP."""

SUPPORTED = "IPAddress"


class GatewayPorts:
    """Assigns the ports in TEXT, which are open at ADDRESSES, to listeners of Gateways."""

    def __init__(self, store: Store, text: str, addresses: tuple[str, ...]) -> None:
        self._store = store
        first, _, last = text.partition("-")
        self._range = range(int(first), int(last) + 1)
        self._addresses = addresses
        self._given: dict[Key, dict[Place, int]] = {}
        """By Gateway."""
        self._owners: dict[int, Key] = {}
        self._gateways: dict[Key, Key] = {}
        """By the name of the Service that each has, or is to have."""
        self._read: dict[Key, Service | None] = {}
        """Services as they were when last taken up, by Gateway."""
        self._short: set[Key] = set()
        """Gateways that there are not enough ports for."""

    def gateway_of(self, service: Key) -> Key | None:
        """The Gateway whose Service is SERVICE."""
        return self._gateways.get(service)

    def adopt(self, gateway: Key) -> set[Key]:
        """Use the ports of the Service of GATEWAY; returns the Gateways that have other ports of ours now."""
        name = (gateway[0], services.service_name(gateway[1]))
        self._gateways[name] = gateway
        found = self._store.service(name)
        service = found if found is not None and services.is_ours(found, gateway[1]) else None
        self._read[gateway] = service
        moved: set[Key] = set()
        if service is None:
            return moved
        given = self._given.setdefault(gateway, {})
        for place, own in services.targets(service).items():
            if own not in self._range or given.get(place) == own:
                continue
            owner = self._owners.get(own)
            if owner is not None and owner != gateway and not self._is_older(service, owner, own):
                continue
            if owner is not None:
                self._given[owner] = {at: port for at, port in self._given[owner].items() if port != own}
                moved.add(owner)
            if place in given:
                del self._owners[given[place]]
            given[place] = own
            self._owners[own] = gateway
            moved.add(gateway)
        return moved

    def release(self, gateway: Key) -> set[Key]:
        """GATEWAY is gone, or no longer ours: the Gateways that may get ports now."""
        short, self._short = self._short - {gateway}, set()
        for own in self._given.pop(gateway, {}).values():
            del self._owners[own]
        self._read.pop(gateway, None)
        self._gateways.pop((gateway[0], services.service_name(gateway[1])), None)
        return short

    def of(self, gateway: Gateway, among: Sequence[ListenerState]) -> Assignment:
        """What GATEWAY, which is ours, has for its listeners and those of its sets, which are AMONG these."""
        unsupported = next((one.type for one in gateway.spec.addresses if one.type != SUPPORTED), "")
        if unsupported:
            return Assignment(unsupported=unsupported)
        key = (gateway.metadata.namespace, gateway.metadata.name)
        if key not in self._read:
            self.adopt(key)
        listeners = [one.listener for one in among if one.served]
        places = dict.fromkeys((one.port, one.protocol == "UDP") for one in listeners if one.protocol in ROUTE_KINDS)
        given = self._given.setdefault(key, {})
        for place in given.keys() - places:
            del self._owners[given.pop(place)]
        ports = tuple((*place, self._own(key, place)) for place in places)
        if not all(own for _, _, own in ports):
            self._short.add(key)
            return Assignment(missing="all of --gateway-service-ports are in use")
        return self._assignment(gateway, key, ports)

    def _assignment(self, gateway: Gateway, key: Key, ports: tuple[tuple[int, bool, int], ...]) -> Assignment:
        name = (key[0], services.service_name(key[1]))
        service = self._read[key]
        if self.is_taken(key):
            return Assignment(pending=services.taken(gateway))
        shown = services.shown(service) if service is not None else ()
        wanted = dict.fromkeys(one.value for one in gateway.spec.addresses if one.value)
        unusable = pending = ""
        if len(wanted) > 1:
            unusable = "a Service takes one address; name one"
        elif not {("IPAddress", value) for value in wanted} <= set(shown):
            unusable = f"Service {'/'.join(name)} has not got {', '.join(wanted)}"
        elif not shown:
            pending = f"Service {'/'.join(name)} has no address yet"
        return Assignment(self._addresses, shown, ports, unusable=unusable, pending=pending)

    def is_taken(self, gateway: Key) -> bool:
        """Whether a Service that we have not made has the name of that of GATEWAY."""
        name = (gateway[0], services.service_name(gateway[1]))
        return self._read.get(gateway) is None and self._store.service(name) is not None

    def _own(self, gateway: Key, place: Place) -> int:
        """The port of ours for PLACE of GATEWAY, chosen now if there was none; 0: there is none left."""
        given = self._given.setdefault(gateway, {})
        if place not in given:
            size = len(self._range)
            first = crc32(f"{'/'.join(gateway)}:{place[0]}/{place[1]}".encode()) % size
            candidates = (self._range[(first + step) % size] for step in range(size))
            own = next((port for port in candidates if port not in self._owners), 0)
            if not own:
                return 0
            given[place] = own
            self._owners[own] = gateway
        return given[place]

    def _is_older(self, service: Service, owner: Key, own: int) -> bool:
        """Whether SERVICE wins over the claim of OWNER to the port OWN."""
        other = self._read.get(owner)
        if other is None or own not in services.targets(other).values():
            return True
        return service.order < other.order
