"""Maps the name of a host to the records that may take its requests.

Rules of this file:
- The most specific record goes first: the name itself, `*.` with one label more, the longest `**.`, patterns in their
  order, in the end the record for any other host.
- Requests and TLS handshakes use the same rule, so that they agree on the host of a name.
- Patterns that cannot be read, or that take too many steps, may match the name: no less specific record takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.patterns.matching import PatternError, PatternLimitError, compile_pattern
from edge.table.reader import UnreadableError
from edge.table.records import HOST_PATTERNS, HostPatterns, hosts_over

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.table.patterns.matching import Pattern
    from edge.table.reader import TableReader


class HostNames:
    """The names of the records of hosts in one table."""

    def __init__(self, table: TableReader) -> None:
        self._routes = table.routes
        self._record: HostPatterns | None = None
        self._patterns: tuple[tuple[str, Pattern], ...] = ()

    def records_for(self, name: str) -> Iterator[str]:
        """The records that may take requests for the host NAME (lower case), the most specific first.

        Raises:
            UnreadableError: it cannot be known whether a pattern takes them.
        """
        for candidate in hosts_over(name):
            if name and not candidate:
                yield from self._matching(name)
            yield candidate

    def _matching(self, name: str) -> Iterator[str]:
        record = self._routes.get(HOST_PATTERNS, HostPatterns)
        if record is not self._record:
            self._record = record
            self._patterns = tuple((one, _compiled(one)) for one in record.names) if record is not None else ()
        for pattern_name, pattern in self._patterns:
            try:
                matches = pattern.match(name.encode("latin-1")) is not None
            except PatternLimitError as error:
                raise UnreadableError(f'"{pattern_name}" takes too many steps for host "{name}"') from error
            if matches:
                yield pattern_name


def host_name(host: bytes) -> str:
    """The name in a Host value: lower case, without port and trailing dot (RFC 9110, section 4.2.3)."""
    name = host.decode("latin-1").lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")


def _compiled(name: str) -> Pattern:
    try:
        return compile_pattern(name.removeprefix("~"), anchored=False)
    except PatternError as error:
        raise UnreadableError(f'host "{name}" cannot be matched: {error}') from error
