"""The records of hosts that URLs name: authentication servers, mirrors.

Rules of this file:
- There is a record for each host and port in use. Without endpoints it means that the host cannot be asked.
- A record outlives its last use for a while, as those of Services (`uses`).
- A user who may write the URL may write an address into it. So loopback and link-local addresses are allowed, also as
  the result of a look-up; only addresses that are not those of a host are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edge.control.compiling.dns_names import NamesInUse, Resolution
from edge.control.compiling.uses import Uses
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate import addresses
from edge.table.records import Endpoint, ServicePort
from edge.table.remotes import remote_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.compiling.dns_names import Names
    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import RemoteUse
    from edge.table.record import Record

ANSWER = "it cannot be asked"


class _Remote(msgspec.Struct, gc=False):
    """One host in use."""

    name: str
    """Empty: it is an address."""
    endpoints: tuple[Endpoint, ...] = ()
    refused: tuple[str, ...] = ()
    """Addresses that were left out."""
    fault: str = ""
    pending: bool = False
    """Whether the name is still being looked up."""


class Remotes:
    """All hosts that URLs name."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._remotes: dict[str, _Remote] = {}
        self._uses: Uses[None] = Uses()
        self.names = NamesInUse()

    def replace(self, owner: ObjectId, old: Iterable[RemoteUse], new: Iterable[RemoteUse]) -> None:
        """OWNER uses NEW instead of OLD."""
        for use in old:
            self._uses.remove(owner, use.key)
        for use in new:
            if use.key not in self._remotes:
                self._add(use.key)
            self._uses.add(owner, use.key, None)

    def name_changed(self, name: str) -> None:
        """The addresses of NAME have changed."""
        self._uses.changed |= self.names.keys(name)

    def compile(self, now: float) -> tuple[dict[str, Record | None], set[ObjectId]]:
        """The records that may be different at NOW (monotonic seconds), and their users whose problems may be."""
        records: dict[str, Record | None] = {}
        owners: set[ObjectId] = set()
        self._uses.settle(now)
        for key in self._uses.changed:
            remote = self._remotes[key]
            before = _verdict(remote)
            self._find(key, remote)
            host, port = remote_of(key)
            records[key] = ServicePort("", host, str(port), remote.endpoints)
            if _verdict(remote) != before:
                owners.update(self._uses.of(key))
        self._uses.changed.clear()
        for key in self._uses.expired(now):
            self.names.discard(self._remotes.pop(key).name, key)
            records[key] = None
        return records, owners

    @property
    def next_removal(self) -> float | None:
        """When the next unused record is removed (monotonic seconds)."""
        return self._uses.next_removal

    def problems(self, uses: Iterable[RemoteUse]) -> Iterator[Problem]:
        """The problems of the hosts that USES name."""
        for use in uses:
            remote, (host, _) = self._remotes.get(use.key), remote_of(use.key)
            if remote is None:  # of an object that is not served yet: it has not been looked up
                continue
            if remote.fault:
                instead = "the last addresses that were found are used" if remote.endpoints else ANSWER
                message = f"{host} cannot be resolved ({remote.fault}); {instead}"
                yield warning("NameNotResolved", use.field, message)
            if remote.refused:
                instead = "the other addresses are used" if remote.endpoints else ANSWER
                message = f"{host} stands for {', '.join(remote.refused)}, which must not be asked; {instead}"
                yield (warning if remote.endpoints else error)("AddressNotAllowed", use.field, message)

    def _find(self, key: str, remote: _Remote) -> None:
        """Read the current addresses of the host."""
        host, port = remote_of(key)
        found: Resolution | None = Resolution((host,))
        if remote.name:
            found = self._names.look_up(remote.name)
        remote.pending = found is None
        found = found or Resolution()
        sorted_out = addresses.SortedOut(addresses.FROM_FILES)
        usable = sorted({address for address in map(sorted_out.take, found.addresses) if address})
        remote.endpoints = tuple(Endpoint(address, port) for address in usable)
        remote.refused, remote.fault = tuple(sorted(sorted_out.refused)), found.fault

    def _add(self, key: str) -> None:
        host, _ = remote_of(key)
        remote = self._remotes[key] = _Remote("" if addresses.pack(host) else host)
        self.names.add(remote.name, key)


def _verdict(remote: _Remote) -> tuple[object, ...]:
    """What the problems of its users depend on."""
    return remote.fault, remote.refused, not remote.endpoints, remote.pending
