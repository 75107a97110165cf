"""The codings in which responses are compressed (RFC 9110, section 8.4.1)."""

from __future__ import annotations

from typing import Final

from edge.table.policies.policy import Policy
from edge.table.record import Record

ANY: Final = "*"
"""In place of media types: all of them."""


class Coding(Record, frozen=True):
    """A coding, and the responses that get it."""

    name: str
    """`gzip`, `br` or `zstd`."""
    level: int
    least: int
    """Bytes of content, if their number is known, below which it is not compressed."""
    types: tuple[str, ...]
    """Media types in lower case, or `ANY`."""
    refused: tuple[str, ...] = ()
    """Patterns; a client whose User-Agent matches one of them does not get it, even if it accepts the coding."""


class Compression(Policy, frozen=True, tag=True):
    """Responses are compressed, for clients that accept it."""

    codings: tuple[Coding, ...]
    """If a client prefers several equally, the first is used."""

    def summary(self) -> str:
        """As `Policy`."""
        return "compressed by " + ", ".join(f"{one.name} (level {one.level})" for one in self.codings)
