"""The sockets that the arbiter has opened for the table, and for datagrams the worker of each.

Rules of this file:
- The sockets of datagrams at one place are a group (SO_REUSEPORT): the kernel chooses one by a hash of the addresses,
  so that a client's datagrams arrive at the same socket as long as the group does not change. It does not: it has as
  many sockets as there were workers when it was opened, and the arbiter keeps all of them open.
- Each of them belongs to one worker. When that ends, the socket goes to another worker with all datagrams in it, and
  sessions of other workers are not affected.
- "Every IPv6 address" beside "every IPv4 address" is left out where the machine has no IPv6.
"""

from __future__ import annotations

import logging
import socket
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from edge.system import addresses
from edge.table.records import Wire

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from edge.table.records import Listening

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a socket is bound."""

    address: addresses.Address
    datagrams: bool


def place_of(listening: Listening) -> Place:
    """The place of LISTENING."""
    return Place(addresses.Address(listening.address, listening.port), listening.wire is Wire.UDP)


class OpenedSockets:
    """Those of one arbiter."""

    def __init__(self) -> None:
        self._own: frozenset[addresses.Address] = frozenset()
        self._sockets: dict[Place, list[socket.socket]] = {}
        """Empty: one of our own sockets accepts the connections, or none is needed."""
        self._owners: dict[tuple[Place, int], int] = {}
        """Which worker has which socket of datagrams."""

    def __contains__(self, place: Place) -> bool:
        return place in self._sockets

    def start(self, own: Iterable[addresses.Address], inherited: str) -> None:
        """As `Handover.start`."""
        self._own = frozenset(own)
        for entry in filter(None, inherited.split(",")):
            text, _, number = entry.rpartition("=")
            address, _, kind = text.partition("/")
            sock = socket.socket(fileno=int(number))
            sock.set_inheritable(False)
            self._sockets.setdefault(Place(addresses.parse(address), kind == "udp"), []).append(sock)

    def inherit(self) -> str:
        """As `Handover.inherit`."""
        parts = []
        for place, sockets in self._sockets.items():
            for sock in sockets:
                sock.set_inheritable(True)
                parts.append(f"{place.address}{'/udp' if place.datagrams else ''}={sock.fileno()}")
        return ",".join(parts)

    def open(self, place: Place, workers: int, *, beside: Collection[Place]) -> str:
        """Open PLACE, for so many WORKERS; returns why that failed, empty: it is open. BESIDE: all places that are
        wanted."""
        address = place.address
        if not place.datagrams:
            if address in self._own:
                return f"cannot listen on {address}: it is one of the addresses of --http and --https"
            if addresses.Address("::" if ":" in address.host else "0.0.0.0", address.port) in self._own:
                self._sockets[place] = []
                return ""
        try:
            if place.datagrams:
                self._sockets[place] = addresses.bind_group(address, max(workers, 1))
            else:
                self._sockets[place] = [addresses.listen(address)]
        except addresses.ListenError as error:
            other = Place(addresses.Address("0.0.0.0", address.port), place.datagrams)
            if address.host == "::" and other in beside and addresses.lacks_ipv6(error):
                self._sockets[place] = []
                return ""
            return str(error)
        return ""

    def close_all_but(self, wanted: Collection[Place]) -> None:
        """Close what is not WANTED."""
        for place in [place for place in self._sockets if place not in wanted]:
            for sock in self._sockets.pop(place):
                sock.close()
            for at in [at for at in self._owners if at[0] == place]:
                del self._owners[at]
            log.info("no longer listening on %s", place.address)

    def assign(self, workers: Collection[int]) -> None:
        """Give each socket of datagrams whose owner is not among WORKERS to the one of them that has the fewest."""
        if not workers:
            return
        for place, sockets in self._sockets.items():
            if not place.datagrams:
                continue
            ats = [(place, number) for number in range(len(sockets))]
            having = Counter(dict.fromkeys(workers, 0))
            owners = [self._owners.get(at) for at in ats]
            having.update(owner for owner in owners if owner is not None and owner in having)
            for at in ats:
                if self._owners.get(at) not in having:
                    self._owners[at] = min(having, key=lambda worker: (having[worker], worker))
                    having[self._owners[at]] += 1

    def of(self, place: Place, worker: int) -> Iterator[tuple[int, socket.socket | None]]:
        """The sockets at PLACE that WORKER has, with their numbers; None: one of our own accepts its connections."""
        sockets = self._sockets.get(place)
        if sockets is None:
            return
        if not sockets:
            yield 0, None
        for number, sock in enumerate(sockets):
            if not place.datagrams or self._owners.get((place, number)) == worker:
                yield number, sock

    def close(self) -> None:
        """Close everything."""
        for sockets in self._sockets.values():
            for sock in sockets:
                sock.close()
        self._sockets.clear()
        self._owners.clear()
