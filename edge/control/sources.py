"""What a source of objects is: a folder (`edge.control.files`) or a cluster (`edge.control.kubernetes`).

A source runs threads of its own and puts `edge.control.changes` on the queue that it was made with. It says `Synced`
once for each of `SYNCED`; the first table waits for all of them.

Secrets and ConfigMaps are read by need: the control plane tells the source which ones are referred to. A source that
reads all of them anyhow may ignore that; one that does not says `Synced` of the two kinds when it has read those that
it was told to want first, which is when all other kinds are there.
"""

from __future__ import annotations

from typing import Final, Protocol

Key = tuple[str, str]
"""Namespace and name."""

WATCHED: Final = frozenset({"Ingress", "IngressClass", "Service", "EndpointSlice"})
BY_NEED: Final = frozenset({"Secret", "ConfigMap"})
SYNCED: Final = WATCHED | BY_NEED


class Source(Protocol):
    """Where objects come from."""

    def start(self) -> None:
        """Begin to speak."""

    def stop(self) -> None:
        """Speak no more."""

    def want(self, secrets: frozenset[Key], configmaps: frozenset[Key]) -> None:
        """Have these objects read and followed, and no others. Must not wait."""

    def unsynced(self) -> tuple[str, ...]:
        """The kinds that have not been read in full, each with the reason where there is one."""
