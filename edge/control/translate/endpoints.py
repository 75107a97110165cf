"""The endpoints behind one port of a Service.

Rules of this file (Kubernetes API reference, EndpointSlice v1 and Service v1):
- A backend's port is looked up among the Service's ports of one protocol, by number or by name. A slice's port
  belongs to the Service port of the same name and protocol.
- `ready` unset means ready, `serving` unset means the same as `ready`, `terminating` unset means no.
- Endpoints that are ready are used. When there is none, in no slice, those that still serve while they terminate are.
- All addresses of an endpoint are used; slices of the same Service are merged. Where a Service has ready endpoints of
  both address families, one of them can be chosen; a Service that has the other one alone is served all the same.
- With a zone, the ready endpoints that hints give to it are used alone, provided that all have hints and one is for
  the zone (Kubernetes docs, "Topology Aware Routing", safeguards).
- Addresses that must not be an endpoint (`addresses.py`) are left out and reported; the others are used.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from edge.control.kinds.services import TCP
from edge.control.translate import addresses as ip
from edge.table.records import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from edge.control.kinds.services import EndpointConditions, EndpointSlice, Service, ServicePort

EXTERNAL_NAME = "ExternalName"
MOST_PORT = 65535
LONGEST_PORT = 5
"""Digits."""


class Fault(StrEnum):
    """Why there are no endpoints, or not all of them."""

    MISSING_SERVICE = "MissingService"
    MISSING_PORT = "MissingPort"
    NO_CLUSTER_IP = "NoClusterIP"
    EXTERNAL_NAME_DISABLED = "ExternalNameDisabled"
    NAME_NOT_RESOLVED = "NameNotResolved"
    ADDRESS_TYPE = "UnsupportedAddressType"
    INTERNAL = "InternalError"


class Found(msgspec.Struct, frozen=True, gc=False):
    """Endpoints, sorted and without duplicates, and what is wrong with them."""

    endpoints: tuple[Endpoint, ...] = ()
    fault: Fault | None = None
    detail: str = ""
    refused: tuple[str, ...] = ()
    """Addresses that were left out because they must not be an endpoint, each with its kind."""


def find_port(service: Service, port: str, protocol: str = TCP) -> ServicePort | None:
    """The port of SERVICE with the number or the name PORT; empty: its first one."""
    for candidate in service.spec.ports or ():
        if candidate.speaks(protocol) and port in ("", str(candidate.port), candidate.name):
            return candidate
    return None


def by_slices(
    service: Service,
    port: str,
    slices: Iterable[EndpointSlice],
    allowed: AbstractSet[str],
    protocol: str = TCP,
    *,
    zone: str = "",
    family: str = "",
) -> Found:
    """The endpoints of SERVICE's PORT in SLICES; ALLOWED: kinds of special addresses (`addresses.py`) among them.

    ZONE: use those that hints give to it; empty: hints mean nothing. FAMILY: IPv4 or IPv6, if there are such endpoints.
    """
    slices = _of_family(family, tuple(slices)) if family else slices
    service_port = find_port(service, port, protocol)
    if service_port is None:
        return Found(fault=Fault.MISSING_PORT)
    places = _Places(zone)
    foreign = ""
    sorted_out = ip.SortedOut(allowed)
    for one in slices:
        if one.address_type not in ("IPv4", "IPv6"):
            name = f"{one.metadata.namespace}/{one.metadata.name}"
            foreign = f"EndpointSlice {name} has addresses of type {one.address_type}"
            continue
        ports = list(_slice_ports(one, service_port))
        for endpoint in one.endpoints or () if ports else ():
            state = _usable(endpoint.conditions)
            if state is not None:
                usable = [address for address in map(sorted_out.take, endpoint.addresses or ()) if address]
                zones = endpoint.zones if zone else ()
                places.add([(address, number) for address in usable for number in ports], zones, ready=state)
    found = tuple(Endpoint(address, number) for address, number in places.chosen())
    return Found(found, Fault.ADDRESS_TYPE if foreign else None, foreign, tuple(sorted(sorted_out.refused)))


def _of_family(family: str, slices: tuple[EndpointSlice, ...]) -> tuple[EndpointSlice, ...]:
    """Those of SLICES that have addresses of FAMILY, if one of their endpoints is ready; else all."""
    found = tuple(one for one in slices if one.address_type == family)
    ready = (endpoint for one in found for endpoint in one.endpoints or () if _usable(endpoint.conditions))
    return found if next(ready, None) is not None else slices


class _Places:
    """Addresses and ports of endpoints, by what is known of them. ZONE: ours; empty: hints mean nothing."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._ready: set[tuple[str, int]] = set()
        self._ending: set[tuple[str, int]] = set()
        """Those that still serve but are on their way out."""
        self._near: set[tuple[str, int]] = set()
        self._all_hinted = bool(zone)

    def add(self, places: Sequence[tuple[str, int]], zones: Sequence[str], *, ready: bool) -> None:
        """PLACES of an endpoint with hints for ZONES; READY: otherwise it ends."""
        if not ready:
            self._ending.update(places)
            return
        self._ready.update(places)
        self._all_hinted = self._all_hinted and bool(zones)
        if self._zone in zones:
            self._near.update(places)

    def chosen(self) -> list[tuple[str, int]]:
        """Those of our zone if every ready one has a hint, else the ready ones, else the ending ones."""
        return sorted((self._near if self._all_hinted else ()) or self._ready or self._ending)


def by_name(
    service: Service, port: str, addresses: Iterable[str], allowed: AbstractSet[str], protocol: str = TCP
) -> Found:
    """The endpoints of an ExternalName SERVICE whose name resolves to ADDRESSES; ALLOWED: as for `by_slices`.

    Its ports mean nothing to the cluster: a port that it does not list is taken by its number.
    """
    found = find_port(service, port, protocol)
    if found is not None:
        number = found.target_port if isinstance(found.target_port, int) and found.target_port else found.port
    elif port.isascii() and port.isdigit() and len(port) <= LONGEST_PORT:
        number = int(port)
    else:
        return Found(fault=Fault.MISSING_PORT)
    if not _is_port(number):
        return Found(fault=Fault.MISSING_PORT)
    sorted_out = ip.SortedOut(allowed)
    usable = sorted({address for address in map(sorted_out.take, addresses) if address})
    return Found(tuple(Endpoint(address, number) for address in usable), refused=tuple(sorted(sorted_out.refused)))


def by_cluster_ip(service: Service, port: str, allowed: AbstractSet[str], protocol: str = TCP) -> Found:
    """SERVICE's own address as the one endpoint; ALLOWED: as for `by_slices`."""
    found = find_port(service, port, protocol)
    if found is None or not _is_port(found.port):
        return Found(fault=Fault.MISSING_PORT)
    sorted_out = ip.SortedOut(allowed)
    address = sorted_out.take(service.spec.cluster_ip or "")  # "None" of a headless Service is no address
    if sorted_out.refused:
        return Found(refused=tuple(sorted_out.refused))
    if not address:
        return Found(fault=Fault.NO_CLUSTER_IP)
    return Found((Endpoint(address, found.port),))


def _slice_ports(one: EndpointSlice, service_port: ServicePort) -> Iterator[int]:
    target = service_port.target_port if isinstance(service_port.target_port, int) else None
    if target and _is_port(target) and not one.ports:  # written by hand: what else could be meant
        yield target
    ports = [port for port in one.ports or () if port.speaks(service_port.protocol or TCP)]
    named = [port for port in ports if (port.name or "") == (service_port.name or "")]
    if not named and len(ports) == 1 and (not service_port.name or not ports[0].name):
        named = ports  # written by hand: with one port on either side there is nothing to mistake
    if not named and target:  # nor where the number is the very one
        named = [port for port in ports if port.port == target]
    for port in named:
        number = port.port if port.port is not None else target or service_port.port
        if _is_port(number):
            yield number


def _is_port(number: int) -> bool:
    return 0 < number <= MOST_PORT


def _usable(conditions: EndpointConditions | None) -> bool | None:
    """True: ready; False: serves while it terminates; None: neither."""
    if conditions is None or conditions.ready is not False:
        return True
    return False if conditions.serving and conditions.terminating else None
