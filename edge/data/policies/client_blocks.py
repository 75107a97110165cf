"""Refuses clients by their addresses, and by what they say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.policies.source_ranges import networks
from edge.table.patterns.matching import PatternLimitError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import ClientBlocks

    Fits = Callable[[bytes], bool]


def add(policy: ClientBlocks, phases: Phases) -> None:
    """A gate for each list. What cannot be matched within the limit of steps is refused, too."""
    if policy.cidrs:
        blocked = networks(policy.cidrs)
        phases.gates.append(lambda exchange: replies.FORBIDDEN if exchange.client.address in blocked else None)
    for name, texts in ((b"user-agent", policy.user_agents), (b"referer", policy.referers)):
        if texts:
            phases.gates.append(_gate(name, texts))


def _gate(name: bytes, texts: tuple[str, ...]) -> Callable[[Exchange], Reply | None]:
    """Refuses requests whose field NAME is one of TEXTS, or has a match of one."""
    whole = frozenset(text.lower().encode() for text in texts if not text.startswith("~"))
    patterns = tuple(_patterns(texts))

    def gate(exchange: Exchange) -> Reply | None:
        value = exchange.client.request.get(name)
        if not value:
            return None
        try:
            blocked = value.lower() in whole or any(fits(value) for fits in patterns)
        except PatternLimitError:
            return replies.FORBIDDEN
        return replies.FORBIDDEN if blocked else None

    return gate


def _patterns(texts: tuple[str, ...]) -> Iterator[Fits]:
    for text in texts:
        if text.startswith("~"):
            pattern = compile_pattern(
                text.removeprefix("~").removeprefix("*"), ignore_case=text.startswith("~*"), anchored=False
            )
            yield lambda value, pattern=pattern: pattern.match(value) is not None  # type: ignore[misc]
