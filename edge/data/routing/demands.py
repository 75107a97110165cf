"""The conditions of a route beside host and path, compiled (Gateway API, HTTPRouteMatch).

Rules of this file:
- Bytes and patterns are made once, when the plan of a route is made.
- An expression that takes too many steps has no result: `PatternLimitError` reaches the router, which refuses the
  request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from edge.table.patterns.matching import Pattern, PatternError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.data.http._message import Message
    from edge.table.records import Condition, Conditions


class Demands:
    """The conditions of one route.

    - `limited`: whether matching may be stopped because it takes too many steps.
    """

    __slots__ = ("_headers", "_method", "_query", "_secure", "limited")

    def __init__(self, conditions: Conditions) -> None:
        self._method = conditions.method.encode()
        self._secure = conditions.scheme == "https" if conditions.scheme else None
        self._headers = tuple(_compiled(conditions.headers))
        self._query = tuple(_compiled(conditions.query))
        self.limited = any(one.regex for one in (*conditions.headers, *conditions.query))

    def met_by(self, request: Message) -> bool:
        """Whether REQUEST meets all conditions.

        Raises:
            PatternLimitError: that cannot be found out.
        """
        if self._method and request.method != self._method:
            return False
        if self._secure is not None and request.secure != self._secure:
            return False
        for name, wanted in self._headers:
            if not _is(request.get(name), wanted):
                return False
        if self._query:
            given = query_parameters(request.target)
            return all(_is(given.get(name), wanted) for name, wanted in self._query)
        return True


class Nothing:
    """In place of a pattern that cannot be read: it matches no value."""

    def match(self, text: bytes) -> None:
        """As `Pattern.match`."""


def _compiled(conditions: Iterable[Condition]) -> Iterable[tuple[bytes, bytes | Pattern | Nothing]]:
    for one in conditions:
        wanted: bytes | Pattern | Nothing = one.value.encode()
        if one.regex:
            try:
                wanted = compile_pattern(one.value, ignore_case=False, whole=True)
            except PatternError:  # the control plane has refused it
                wanted = Nothing()
        yield one.name.encode(), wanted


def _is(value: bytes | None, wanted: bytes | Pattern | Nothing) -> bool:
    if value is None:
        return False
    return value == wanted if isinstance(wanted, bytes) else wanted.match(value) is not None


def query_parameters(target: bytes) -> dict[bytes, bytes]:
    """The query parameters of TARGET by name, decoded; of several with one name the first counts."""
    found: dict[bytes, bytes] = {}
    for name, value in parse_qsl(target.partition(b"?")[2], keep_blank_values=True):
        found.setdefault(name, value)
    return found
