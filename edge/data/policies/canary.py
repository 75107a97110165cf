"""Chooses between the first backend of a route and the second, its canary, by what a request says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.exchange.variables import cookie_of
from edge.data.policies.affinity import parts
from edge.table.patterns.matching import PatternError, PatternLimitError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import Canary

    Rule = Callable[[bytes], int | None]
    """The number of the backend that a value means; None: it means none."""

MAIN: Final = 0
CANARY: Final = 1
WORDS: Final = {b"never": MAIN, b"always": CANARY}


def add(policy: Canary, phases: Phases) -> None:
    """A choice: by the cookie of the affinity, a header field, a cookie. Then the weights of the backends decide.

    As in nginx, `-` and `_` are one in the name of a field, and case counts neither there nor in the name of a cookie.
    """
    header, cookie = policy.header.lower().replace("_", "-").encode(), policy.cookie.lower().encode()
    by_header = _rule(policy)
    affinity = policy.affinity.encode()
    sides = {one.encode(): number for number, one in enumerate(policy.sides)}

    def choose(exchange: Exchange) -> int | None:
        request = exchange.client.request
        if affinity:
            number = sides.get(parts(request, affinity)[1])
            if number is not None:
                return number
        if header:
            value = request.get(header)
            number = by_header(value) if value is not None else None
            if number is not None:
                return number
        if cookie:
            return WORDS.get(cookie_of(request, cookie) or b"")
        return None

    phases.choices.append(choose)


def _rule(policy: Canary) -> Rule:
    """What values of the field mean."""
    if policy.value:
        return {policy.value.encode(): CANARY}.get
    if not policy.pattern:
        return WORDS.get
    try:
        pattern = compile_pattern(policy.pattern, ignore_case=False, anchored=False)
    except PatternError:
        return lambda value: MAIN  # noqa: ARG005 - whatever it is

    def by_pattern(value: bytes) -> int | None:
        try:
            return CANARY if pattern.match(value) is not None else None
        except PatternLimitError:
            return MAIN

    return by_pattern
