"""The records of hosts that URLs name: authentication servers, mirrors.

Rules of this file:
- There is a record for each host and port in use. Without endpoints it means that the host cannot be asked.
- A record outlives its last use for LINGER seconds, as those of Services.
- Who may write the URL may write an address into it. So loopback and link-local addresses are in order, also where a
  name stands for them; only what is the address of no host is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edge.control.compiling.dns_names import NamesInUse, Resolution
from edge.control.compiling.service_ports import LINGER
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
    deadline: float = 0.0
    """When it goes, after its last use; 0: it is in use."""


class Remotes:
    """All hosts that URLs name."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._remotes: dict[str, _Remote] = {}
        self._users: dict[str, set[ObjectId]] = {}
        self.names = NamesInUse()
        self._dirty: set[str] = set()
        self._unused: set[str] = set()

    def replace(self, owner: ObjectId, old: Iterable[RemoteUse], new: Iterable[RemoteUse]) -> None:
        """OWNER uses NEW instead of OLD."""
        for key in {use.key for use in old}:
            users = self._users.get(key, set())
            users.discard(owner)
            self._dirty.add(key)
            if not users:
                self._users.pop(key, None)
                self._unused.add(key)
        for key in {use.key for use in new}:
            if key not in self._remotes:
                self._add(key)
            self._users.setdefault(key, set()).add(owner)
            self._dirty.add(key)

    def name_changed(self, name: str) -> None:
        """NAME stands for something else."""
        self._dirty |= self.names.keys(name)

    def compile(self, now: float) -> tuple[dict[str, Record | None], set[ObjectId]]:
        """The records that may be different at NOW (monotonic seconds), and their users whose problems may be."""
        records: dict[str, Record | None] = {}
        owners: set[ObjectId] = set()
        for key in self._dirty:
            remote = self._remotes[key]
            users = self._users.get(key, set())
            if users:
                remote.deadline = 0.0
                self._unused.discard(key)
            elif not remote.deadline:
                remote.deadline = now + LINGER
            before = _verdict(remote)
            self._find(key, remote)
            host, port = remote_of(key)
            records[key] = ServicePort("", host, str(port), remote.endpoints)
            if _verdict(remote) != before:
                owners |= users
        self._dirty.clear()
        for key in [key for key in self._unused if self._remotes[key].deadline <= now]:
            self._remove(key)
            records[key] = None
        return records, owners

    @property
    def next_removal(self) -> float | None:
        """When a record that is not in use goes (monotonic seconds)."""
        return min((self._remotes[key].deadline for key in self._unused), default=None)

    def problems(self, uses: Iterable[RemoteUse]) -> Iterator[Problem]:
        """What is wrong with what USES name."""
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
        """See what the host stands for now."""
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

    def _remove(self, key: str) -> None:
        remote = self._remotes.pop(key)
        self._unused.discard(key)
        self.names.discard(remote.name, key)


def _verdict(remote: _Remote) -> tuple[object, ...]:
    """What the problems of its users depend on."""
    return remote.fault, remote.refused, not remote.endpoints, remote.pending
