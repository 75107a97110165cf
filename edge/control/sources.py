"""What a source of objects is: a folder (`edge.control.files`) or a cluster (`edge.control.kubernetes`).

A source runs threads of its own and puts `edge.control.changes` on the queue that it was given. It says `Synced` once
for each of its `kinds`; the first table waits for all of them.

Secrets and ConfigMaps are read by need. The compiler tells the source which ones Ingresses refer to (`want`); a source
that reads all anyhow may ignore it, one that does not fetches and watches what it is told, and says `Delete` for what
is not there. With `settled`, every other kind has been synced and compiled: no name will be added for the first table,
so `Synced` of these two kinds may be said as soon as the names wanted now have been answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from edge.control.changes import Change

if TYPE_CHECKING:
    from edge.control.objects import ObjectId

BY_NEED: Final = frozenset({"Secret", "ConfigMap"})
"""The kinds that are read by need."""

Put = Callable[[Change], None]
"""How a source speaks; may be called from any thread."""


class Source(Protocol):
    """Where objects come from."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that it will say `Synced` for."""

    def start(self) -> None:
        """Begin to speak."""

    def stop(self) -> None:
        """End all threads; nothing is put on the queue after the return."""

    def want(self, names: frozenset[ObjectId], *, settled: bool) -> None:
        """Have all of NAMES (Secrets and ConfigMaps) read and watched, and no others. Must not wait."""
