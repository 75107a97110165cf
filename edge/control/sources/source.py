"""A source of objects: a folder (`edge.control.sources.files`) or a cluster (`edge.control.sources.cluster`).

A source runs threads of its own and puts `edge.control.kinds.changes` on the queue that it was made with. It sends
`Synced` once for each of its `kinds`; the first table waits for all of them.

Secrets and ConfigMaps may be read by need: the control plane passes the names that objects refer to (`want`). Such a
source sends `Synced` for the two kinds once it has looked up every object passed to `want(..., settled=True)`, which
is called when all other kinds are there. It sends `Delete` for a wanted object that does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId

BY_NEED: Final = frozenset({"Secret", "ConfigMap"})
"""Kinds that may be read one by one, from any namespace, because an object that is served names them."""


class Source(Protocol):
    """A source of objects."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that will be called synced."""

    @property
    def by_need(self) -> bool:
        """Whether objects of `BY_NEED` are read only if they are wanted; otherwise `want` means nothing."""

    def start(self) -> None:
        """Start to send changes."""

    def stop(self) -> None:
        """Stop, and send nothing more."""

    def want(self, names: frozenset[ObjectId], *, settled: bool) -> None:
        """Read and follow these objects and no others; SETTLED: the first table needs no more. Returns at once."""

    def watches(self, namespace: str) -> bool:
        """Whether objects of NAMESPACE are sent. Any thread may call this."""

    def unsynced(self) -> tuple[str, ...]:
        """The kinds that have not been read in full, each with the reason where there is one."""
