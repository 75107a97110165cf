"""The Listeners record: all sockets that Gateways and ConfigMaps of services need.

Rules of this file:
- If two objects need the same address and port for different purposes, the first by name gets it; the other one is
  reported. The listeners of a Gateway and those of its ListenerSets share their sockets.
- If the proxy cannot listen on a socket, the object that needs it has a problem for as long.
- A Gateway is not programmed before the proxy has opened its sockets. If the open sockets are not known, all count as
  open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, error
from edge.control.translate.gateway.facts import Verdict
from edge.control.translate.stream_services import field_of
from edge.system.addresses import Address
from edge.table.records import LISTENERS, Listeners, Wire, port_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.kinds.objects import ObjectId
    from edge.table.bindings import Unbound
    from edge.table.record import Record
    from edge.table.records import Listening

Place = tuple[str, int, bool]
UNUSABLE: Final = "AddressNotUsable"
PENDING: Final = "Pending"
"""Reasons of the Gateway API."""


class Sockets:
    """All sockets beside those of flags."""

    def __init__(self) -> None:
        self._wanted: dict[ObjectId, tuple[Listening, ...]] = {}
        self._owners: dict[Place, tuple[ObjectId, Listening]] = {}
        """The owner of each address and port, and its purpose."""
        self._faults: dict[Listening, str] = {}
        self._bound: frozenset[Listening] | None = None
        """What the proxy listens on; None: it is not known."""
        self._dirty = False
        self._touched: set[ObjectId] = set()

    def replace(self, owner: ObjectId, sockets: tuple[Listening, ...]) -> None:
        """OWNER needs these SOCKETS and no others."""
        if sockets == self._wanted.get(owner, ()):
            return
        self._dirty = True
        if sockets:
            self._wanted[owner] = sockets
        else:
            del self._wanted[owner]

    def bindings(self, unbound: Iterable[Unbound], bound: frozenset[Listening]) -> None:
        """From now on the proxy cannot listen on what is UNBOUND, and listens on what is BOUND."""
        faults = {one.listening: one.fault for one in unbound}
        changed = {one for one in faults.keys() | self._faults.keys() if faults.get(one) != self._faults.get(one)}
        changed |= bound ^ (self._bound or frozenset())
        self._faults, self._bound = faults, bound
        self._touched.update(owner for owner, sockets in self._wanted.items() if changed.intersection(sockets))

    def compile(self) -> tuple[dict[str, Record | None], set[ObjectId]]:
        """The record, if it changes, and the objects whose problems may change."""
        touched, self._touched = self._touched, set()
        if not self._dirty:
            return {}, touched
        self._dirty = False
        before, self._owners = self._owners, {}
        wanted = [(owner, one) for owner in sorted(self._wanted) for one in self._wanted[owner]]
        for owner, one in wanted:
            self._owners.setdefault(_place(one), (owner, one))
        every = [one for _, one in self._owners.values()]
        for place in before.keys() | self._owners.keys():
            if before.get(place) != self._owners.get(place):
                touched.update(owner for owner, sockets in self._wanted.items() if place in map(_place, sockets))
        return {LISTENERS: Listeners(tuple(every)) if every else None}, touched

    def verdicts(self, owner: ObjectId) -> dict[int, Verdict]:
        """Why OWNER is not served at ports of its listeners."""
        found: dict[int, Verdict] = {}
        for one in self._wanted.get(owner, ()):
            winner, has = self._owners.get(_place(one), (owner, one))
            port, address = port_in(one.scope), Address(one.address, one.port)
            if has != one:
                found.setdefault(port, Verdict(UNUSABLE, f"{winner} has {address} already"))
            elif one in self._faults:
                found.setdefault(port, Verdict(UNUSABLE, self._faults[one]))
            elif self._bound is not None and one not in self._bound:
                found.setdefault(port, Verdict(PENDING, f"{address} is not open yet"))
        return found

    def problems(self, owner: ObjectId) -> Iterator[Problem]:
        """The sockets that OWNER needs and does not have."""
        for one in self._wanted.get(owner, ()):
            field = field_of(one.port) if owner.kind == "ConfigMap" else "spec.listeners"
            winner, has = self._owners.get(_place(one), (owner, one))
            if has != one:
                address = Address(one.address, one.port)
                yield error("PortConflict", field, f"{winner} has {address} already; nothing is opened for this")
            elif one in self._faults:
                yield error("CannotListen", field, f"{self._faults[one]}; it is tried again")


def _place(one: Listening) -> Place:
    return one.address, one.port, one.wire is Wire.UDP
