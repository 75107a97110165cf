"""The base of all policies. A policy is a setting of a route beside host, path and backend: one record in this package,
one reader for each API that can ask for it (`edge.control.translate`), one step in the data plane
(`edge.data.policies`).
"""

from __future__ import annotations

from typing import ClassVar

from edge.table.record import Record


class Policy(Record, frozen=True):
    """Base of the records of policies."""

    secrets: ClassVar[frozenset[str]] = frozenset()
    """Fields of pairs of a name and a secret; `edge routes` shows the names alone."""

    source: str
    """The field or flag that asked for it, such as `metadata.annotations["..."]` or `--hsts`."""

    def remotes(self) -> tuple[str, ...]:
        """Keys of the hosts (`edge.table.remotes`) that the policy asks beside the endpoints of the route."""
        return ()

    def summary(self) -> str:
        """What the policy does, in a few words, for `edge routes` and `edge check`."""
        raise NotImplementedError
