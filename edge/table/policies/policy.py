"""The base of all policies. A policy is a setting of a route beside host, path and backend: one record in this package,
one reader for each API that can ask for it (`edge.control.translate`), one step in the data plane
(`edge.data.policies`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from edge.table.record import Record

if TYPE_CHECKING:
    from collections.abc import Sized


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


def count(things: Sized, one: str, several: str = "") -> str:
    """The number of THINGS with their noun: ONE for a single one, otherwise SEVERAL (ONE with an s, if empty)."""
    return f"{len(things)} {one if len(things) == 1 else several or one + 's'}"
