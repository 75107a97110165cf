"""The Service records: the endpoints of every Service port that a backend names.

Rules of this file:
- There is a record for each port in use, even if its Service has problems: without endpoints it means 503.
- A record outlives its last use for a while (`uses`).
- If several Ingresses set a load-balancing algorithm, that of the one that would win a conflict applies.
- A name with a dot at its end is absolute, one without is not (RFC 1034, 3.1): they are different names, and are looked
  up as written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edge.control.compiling import service_problems
from edge.control.compiling.dns_names import NamesInUse, Resolution
from edge.control.compiling.used_port import UsedPort
from edge.control.compiling.uses import Uses
from edge.control.containment import contain
from edge.control.translate import addresses
from edge.control.translate.endpoints import EXTERNAL_NAME, Fault, Found, by_cluster_ip, by_name, by_slices, find_port
from edge.table.records import Balance, ServicePort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.compiling.dns_names import Names
    from edge.control.compiling.store import Store
    from edge.control.kinds.objects import Key, ObjectId
    from edge.control.kinds.problems import Problem
    from edge.control.kinds.services import Service as ServiceObject
    from edge.control.translate.parts import Order, ServiceUse
    from edge.settings import Settings
    from edge.table.record import Record

    Wish = tuple[Order, Balance | None]
    """The age of a user of a port, and the load-balancing algorithm that it asks for."""


class Services:
    """All Service ports in use."""

    def __init__(self, store: Store, settings: Settings, names: Names) -> None:
        self._store = store
        self._settings = settings
        self._from_dns = addresses.FROM_FILES if settings.manifests else addresses.FROM_DNS
        self._from_objects = addresses.FROM_FILES if settings.manifests else addresses.FROM_API
        self._names = names
        self._zone = settings.zone if settings.enable_topology_aware_routing else ""
        self._family = settings.endpoint_ip_family if settings.endpoint_ip_family != "any" else ""
        self._ports: dict[str, UsedPort] = {}
        self._uses: Uses[Wish] = Uses()
        self._by_service: dict[Key, tuple[str, ...]] = {}
        self.external_names = NamesInUse()
        """The names that Services of type ExternalName in use stand for."""
        self._respoken: set[ObjectId] = set()

    def replace(self, owner: ObjectId, order: Order, old: Iterable[ServiceUse], new: Iterable[ServiceUse]) -> None:
        """OWNER uses NEW instead of OLD."""
        for use in old:
            self._uses.remove(owner, use.key)
        for use in new:
            if use.key not in self._ports:
                service = (use.namespace, use.name)
                self._ports[use.key] = UsedPort(service, use.port, use.by_cluster_ip, use.protocol)
                self._by_service[service] = (*self._by_service.get(service, ()), use.key)
            self._uses.add(owner, use.key, (order, use.algorithm))

    def service_changed(self, service: Key) -> None:
        """The object SERVICE or its EndpointSlices have changed."""
        self._uses.changed.update(self._by_service.get(service, ()))

    def zone_found(self, zone: str) -> None:
        """Our node is in ZONE."""
        if zone != self._zone:
            self._zone = zone
            self._uses.changed.update(self._ports)

    def name_changed(self, name: str) -> None:
        """The addresses of NAME have changed."""
        self._uses.changed |= self.external_names.keys(name)

    def app_protocol(self, key: str) -> str:
        """`appProtocol` of the port with this KEY; empty: it has none."""
        port = self._ports.get(key)
        return port.app_protocol if port is not None else ""

    def take_respoken(self) -> set[ObjectId]:
        """The users of ports whose `appProtocol` has changed since the last call."""
        taken, self._respoken = self._respoken, set()
        return taken

    def compile(self, now: float) -> tuple[dict[str, Record | None], set[ObjectId]]:
        """The records that may be different at NOW (monotonic seconds), and their users whose problems may be."""
        records: dict[str, Record | None] = {}
        owners: set[ObjectId] = set()
        self._uses.settle(now)
        for key in self._uses.changed:
            port, users = self._ports[key], self._uses.of(key)
            before, spoken = port.verdict(), port.app_protocol
            port.found = self._contained(key, port)
            if port.app_protocol != spoken:
                self._respoken.update(users)
            records[key] = self._record(port, users)
            if port.verdict() != before:
                owners.update(users)
        self._uses.changed.clear()
        for key in self._uses.expired(now):
            self._remove(key)
            records[key] = None
        return records, owners

    @property
    def next_removal(self) -> float | None:
        """When the next unused record is removed (monotonic seconds)."""
        return self._uses.next_removal

    def problems(self, uses: Iterable[ServiceUse]) -> Iterator[Problem]:
        """The problems of the ports that USES name."""
        for use in uses:
            yield from service_problems.problems(use, self._ports.get(use.key) or self._not_used_yet(use))

    def _not_used_yet(self, use: ServiceUse) -> UsedPort:
        """The port that USE names and no served object does."""
        port = UsedPort((use.namespace, use.name), use.port, use.by_cluster_ip, use.protocol)
        service = self._store.service(port.service)
        port.external_name = self._external_name(service)
        port.found = self._look_up(port, service, port.external_name)
        return port

    def _contained(self, key: str, port: UsedPort) -> Found:
        last = port.found.endpoints
        return contain(
            f"Service {port.service[0]}/{port.service[1]}",
            lambda: self._find(key, port),
            lambda fault: Found(last, Fault.INTERNAL, fault),
        )

    def _find(self, key: str, port: UsedPort) -> Found:
        service = self._store.service(port.service)
        name = self._external_name(service)
        self._rename(key, port, name)
        return self._look_up(port, service, name)

    def _external_name(self, service: ServiceObject | None) -> str:
        """The external name of SERVICE; empty: none."""
        if service is None or service.spec.type != EXTERNAL_NAME or self._settings.disable_svc_external_name:
            return ""
        return external_name(service)

    def _look_up(self, port: UsedPort, service: ServiceObject | None, name: str) -> Found:
        """The endpoints of PORT of SERVICE, those of the external NAME if that is not empty."""
        port.pending = False
        listed = find_port(service, port.port) if service is not None else None
        port.app_protocol = (listed.app_protocol or "") if listed is not None else ""
        if service is None:
            return Found(fault=Fault.MISSING_SERVICE)
        if service.spec.type == EXTERNAL_NAME:
            if not name:
                return Found(fault=Fault.EXTERNAL_NAME_DISABLED)
            resolution = self._names.look_up(name)
            port.pending = resolution is None
            resolution = resolution or Resolution()
            found = by_name(service, port.port, resolution.addresses, self._from_dns, port.protocol)
            if resolution.fault and found.fault is None:
                return msgspec.structs.replace(found, fault=Fault.NAME_NOT_RESOLVED, detail=resolution.fault)
            return found
        if port.by_cluster_ip:
            return by_cluster_ip(service, port.port, self._from_objects, port.protocol)
        slices = self._store.slices(port.service)
        terms = {"zone": self._zone, "family": self._family}
        return by_slices(service, port.port, slices, self._from_objects, port.protocol, **terms)

    def _record(self, port: UsedPort, users: dict[ObjectId, Wish]) -> ServicePort:
        asked = [(order, balance) for order, balance in users.values() if balance is not None]
        balance = min(asked)[1] if asked else Balance.ROUND_ROBIN
        return ServicePort(*port.service, port.port, port.found.endpoints, balance)

    def _rename(self, key: str, port: UsedPort, name: str) -> None:
        if port.external_name != name:
            self.external_names.discard(port.external_name, key)
            self.external_names.add(name, key)
            port.external_name = name

    def _remove(self, key: str) -> None:
        port = self._ports.pop(key)
        self._rename(key, port, "")
        keys = tuple(other for other in self._by_service[port.service] if other != key)
        if keys:
            self._by_service[port.service] = keys
        else:
            del self._by_service[port.service]


def external_name(service: ServiceObject) -> str:
    """The external name of SERVICE, of type ExternalName, as it is looked up; empty: it has none."""
    name = (service.spec.external_name or "").lower()
    return name if name != "." else ""
