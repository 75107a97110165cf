"""Addresses of Gateways out of the pool that `--gateway-addresses` names.

Rules of this file:
- A Gateway keeps its address for as long as it exists: after a restart it is taken from its status, or else chosen by
  its name again (unless that was taken).
- An address that `spec.addresses` asks for is given if it is in the pool and free. Gateways that ask for none get one
  of the first and last quarter only when all others are in use, so that these stay free.
- Without a pool all Gateways share the addresses of Edge.
"""

from __future__ import annotations

import ipaddress
from itertools import chain
from typing import TYPE_CHECKING, Final
from zlib import crc32

from edge.control.translate.gateway.view import SHARED, Assignment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.kinds.gateway import Gateway
    from edge.control.kinds.objects import Key

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network
    Asked = tuple[tuple[str, str], ...]

MOST_TRIED: Final = 65536
"""Addresses of the pool that are looked at for a free one."""
SUPPORTED: Final = "IPAddress"


class Pool:
    """The addresses in TEXTS: networks and single addresses, comma separated."""

    def __init__(self, texts: Iterable[str]) -> None:
        parts = [part.strip() for text in texts for part in text.split(",") if part.strip()]
        self._networks: list[Network] = [ipaddress.ip_network(part, strict=False) for part in parts]
        self._sizes = [_size(network) for network in self._networks]

    def __len__(self) -> int:
        return min(sum(self._sizes), MOST_TRIED)

    def __contains__(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def __getitem__(self, number: int) -> str:
        for network, size in zip(self._networks, self._sizes, strict=True):
            if number < size:
                return str(network[number + (1 if size < network.num_addresses else 0)])
            number -= size
        raise IndexError(number)


def _size(network: Network) -> int:
    """Addresses of NETWORK that a host may have: not its first and last one, where there are others."""
    count = network.num_addresses
    return count - 2 if count > 2 else count


class GatewayAddresses:
    """Which Gateway has which address of the pool in TEXTS."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._pool = Pool(texts)
        self._given: dict[Key, tuple[Asked, Assignment]] = {}
        self._owners: dict[str, Key] = {}

    def of(self, gateway: Gateway) -> Assignment:
        """What GATEWAY, which is ours, has; it is assigned now if it was not before."""
        if not len(self._pool):
            return SHARED
        key = (gateway.metadata.namespace, gateway.metadata.name)
        asked = tuple((one.type, one.value) for one in gateway.spec.addresses)
        known = self._given.get(key)
        if known is None or known[0] != asked:
            before = known[1].addresses if known is not None else ()
            self._take_back(key)
            known = self._given[key] = (asked, self._assigned(gateway, key, before))
        return known[1]

    def adjust(self, gateway: Gateway) -> set[Key]:
        """Assign again if GATEWAY, which is ours, asks for something else now; returns the Gateways that may get an
        address by that."""
        key = (gateway.metadata.namespace, gateway.metadata.name)
        before = self._addresses_of(key)
        self.of(gateway)
        return self._unassign_waiting() if before - self._addresses_of(key) else set()

    def release(self, key: Key) -> set[Key]:
        """The Gateway KEY is gone, or no longer ours: the Gateways that may get an address now."""
        if self._given.pop(key, None) is None:
            return set()
        self._take_back(key)
        return self._unassign_waiting()

    def _unassign_waiting(self) -> set[Key]:
        """Have the Gateways without an address assigned again; these Gateways."""
        waiting = {other for other, (_, assignment) in self._given.items() if assignment.unusable or assignment.missing}
        for other in waiting:
            del self._given[other]
        return waiting

    def _addresses_of(self, key: Key) -> set[str]:
        return {address for address, owner in self._owners.items() if owner == key}

    def _take_back(self, key: Key) -> None:
        for address in self._addresses_of(key):
            del self._owners[address]

    def _assigned(self, gateway: Gateway, key: Key, before: tuple[str, ...]) -> Assignment:
        for one in gateway.spec.addresses:
            if one.type != SUPPORTED:
                return Assignment(unsupported=one.type)
        wanted = [one.value for one in gateway.spec.addresses if one.value]
        for value in wanted:
            if value not in self._pool:
                return Assignment(unusable=f"{value} is not among --gateway-addresses")
            if self._owners.get(value, key) != key:
                return Assignment(unusable=f"{value} is that of Gateway {'/'.join(self._owners[value])}")
        chosen = tuple(dict.fromkeys(wanted))
        if not chosen:
            found = self._free(gateway, key, before)
            if not found:
                return Assignment(missing="all of --gateway-addresses are in use")
            chosen = (found,)
        self._owners.update(dict.fromkeys(chosen, key))
        return Assignment(chosen, tuple(("IPAddress", address) for address in chosen))

    def _free(self, gateway: Gateway, key: Key, before: tuple[str, ...]) -> str:
        """An address that is free, if possible one that the Gateway had BEFORE; empty: there is none."""
        status = gateway.status.addresses if gateway.status is not None else ()
        for address in (*before, *(one.value for one in status)):
            if address in self._pool and address not in self._owners:
                return address
        size = len(self._pool)
        quarter = size // 4
        middle = size - 2 * quarter
        first = crc32("/".join(key).encode()) % middle
        numbers = chain(
            (quarter + (first + step) % middle for step in range(middle)), range(size - quarter, size), range(quarter)
        )
        candidates = (self._pool[number] for number in numbers)
        return next((address for address in candidates if address not in self._owners), "")
