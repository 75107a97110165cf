"""A change of the path, as redirects and rewrites make it (Gateway API, HTTPPathModifier)."""

from __future__ import annotations

from edge.table.record import Record


class PathChange(Record, frozen=True):
    """Replaces the whole path, or the prefix that the route matched."""

    value: str
    """Begins with a slash."""
    prefix: str = ""
    """The matched prefix that `value` replaces; empty: `value` replaces the whole path."""

    def summary(self) -> str:
        """The change in a few words."""
        return f" with {self.value} for {self.prefix}" if self.prefix else f" with path {self.value}"
