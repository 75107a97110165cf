"""Decides in which coding a response goes to the client (RFC 9110, sections 8.4 and 12.5.3).

Rules of this file:
- What may be compressed is as in nginx: statuses 200, 403 and 404, of a listed type, long enough, not encoded yet. As
  there, a client of HTTP/1.0 and an answer of Edge's own get nothing compressed.
- What is compressed is another representation: it varies by Accept-Encoding, its ETag is a weak one, and no part of it
  can be asked for. `no-transform` forbids it (RFC 9111, section 5.2.2.6).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.data.http.accepting import preferred
from edge.table.patterns.matching import PatternLimitError, compile_pattern
from edge.table.policies.compression import ANY

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.patterns.matching import Pattern
    from edge.table.policies import Compression
    from edge.table.policies.compression import Coding

STATUSES: Final = frozenset({200, 403, 404})
VARY: Final = b"Vary: Accept-Encoding\r\n"
REMEMBERED: Final = 512
LONGEST: Final = 256
"""Bytes of a value of Accept-Encoding that is remembered."""


def add(policy: Compression, phases: Phases) -> None:
    """An edit of the response, which leaves the coding in the exchange; `edge.data.handling` carries it out."""
    phases.answers.append(_negotiator(policy).decide)
    phases.compresses = True


class _Choice(NamedTuple):
    coding: Coding
    types: frozenset[bytes]
    refused: tuple[Pattern, ...]


class Negotiator:
    """Decides by one policy; all plans with that policy share it."""

    def __init__(self, policy: Compression) -> None:
        self._choices = [
            _Choice(
                one,
                frozenset(name.encode() for name in one.types),
                tuple(compile_pattern(text, anchored=False) for text in one.refused),
            )
            for one in policy.codings
        ]
        self._preferred = lru_cache(REMEMBERED)(preferred)

    def decide(self, exchange: Exchange, response: Message | None) -> None:
        """Settle the coding of RESPONSE, and change its fields to what they are then."""
        if response is None or response.status not in STATUSES or response.length == 0 or _is_settled(response):
            return
        candidates = self._candidates(response)
        if not candidates:
            return
        if not _varies(b",".join(response.passed_on(b"vary"))):
            exchange.fields += VARY
        request = exchange.client.request
        accepted = request.get(b"accept-encoding")
        if accepted is None or request.method == b"HEAD" or request.version < 11:
            return
        choice = self._best(accepted, candidates)
        if choice is not None and not _is_refused(choice, request):
            _encode(exchange, response, choice.coding)

    def _candidates(self, response: Message) -> tuple[_Choice, ...]:
        """The codings that RESPONSE may have."""
        media_type = (response.get(b"content-type") or b"").partition(b";")[0].strip().lower()
        if not media_type:
            return ()
        length = response.length
        return tuple(
            choice
            for choice in self._choices
            if (media_type in choice.types or ANY.encode() in choice.types) and not 0 <= length < choice.coding.least
        )

    def _best(self, accepted: bytes, candidates: tuple[_Choice, ...]) -> _Choice | None:
        names = tuple(choice.coding.name for choice in candidates)
        name = self._preferred(accepted, names) if len(accepted) <= LONGEST else preferred(accepted, names)
        return candidates[names.index(name)] if name else None


@lru_cache(maxsize=4)
def _negotiator(policy: Compression) -> Negotiator:
    return Negotiator(policy)


def _is_settled(response: Message) -> bool:
    """Whether RESPONSE has to stay as it is."""
    if (response.get(b"content-encoding") or b"identity").lower() != b"identity":
        return True
    return b"no-transform" in (response.get(b"cache-control") or b"").lower()


def _varies(vary: bytes) -> bool:
    names = {name.strip() for name in vary.lower().split(b",")}
    return b"accept-encoding" in names or b"*" in names


def _is_refused(choice: _Choice, request: Message) -> bool:
    """Whether the client is known not to decode what it says it takes."""
    agent = request.get(b"user-agent") or b""
    try:
        return any(pattern.match(agent) is not None for pattern in choice.refused)
    except PatternLimitError:
        return True


def _encode(exchange: Exchange, response: Message, coding: Coding) -> None:
    exchange.coding = coding
    response.hide(b"content-encoding")
    response.hide(b"accept-ranges")
    exchange.fields += b"Content-Encoding: %b\r\n" % coding.name.encode()
    for etag in response.passed_on(b"etag")[:1]:
        response.hide(b"etag")
        if etag.startswith(b'W/"'):
            exchange.fields += b"ETag: %b\r\n" % etag
        elif etag.startswith(b'"'):
            exchange.fields += b"ETag: W/%b\r\n" % etag
