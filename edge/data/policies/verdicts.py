"""The verdicts of an authentication server, and how long they hold (nginx docs, ngx_http_proxy_module, proxy_cache).

Rules of this file:
- A verdict is kept under the route, the policy as a whole and the values of the key, each for itself: no client gets
  the verdict on another one unless the key says that it may.
- An answer that sets a cookie, or that forbids to store it, is not kept. What it says about its lifetime goes before
  the times of the policy, as in nginx.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgpack  # type: ignore[import-untyped]  # it has no stubs

from edge.data.exchange.texts import pieces
from edge.table.codec import encode

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.exchange.subrequest import Answer
    from edge.table.policies import ExternalAuth
    from edge.table.shared_cache import SharedCache

LONGEST: Final = 31_536_000.0
"""Seconds for which a verdict is kept at most: a year."""


class Verdict(NamedTuple):
    """What an authentication server says about a request.

    - `fields`: complete field lines for the endpoint. `challenges`, `cookies`: for the client.
    """

    status: int
    fields: bytes = b""
    challenges: bytes = b""
    cookies: bytes = b""


Judge = Callable[["Exchange"], tuple[Verdict, "Answer"]]


class Kept:
    """The verdicts of one policy on one route that still hold."""

    def __init__(self, policy: ExternalAuth, scope: str, cache: SharedCache) -> None:
        self._cache = cache
        self._times = policy.cache_times
        self._values = pieces(policy.cache_key)
        self._fixed = (scope.encode(), encode(policy))

    def ask(self, exchange: Exchange, judge: Judge) -> Verdict:
        """The verdict on EXCHANGE that is kept, or that of JUDGE."""
        key = self._cache.key(*self._fixed, *self._values(exchange))
        known = self._cache.get(key)
        if known is not None:
            status, fields, challenges, names, varying = msgpack.unpackb(known)
            if varying == self._varying(exchange, names):
                return Verdict(status, fields, challenges)
        verdict, answer = judge(exchange)
        seconds = lifetime(answer, self._times)
        if seconds > 0:
            names = _listed(answer.get(b"vary"))
            entry = (verdict.status, verdict.fields, verdict.challenges, names, self._varying(exchange, names))
            self._cache.put(key, msgpack.packb(entry), seconds)
        return verdict

    def _varying(self, exchange: Exchange, names: list[bytes]) -> bytes:
        """The fields NAMES of the request, on which the answer depends (RFC 9110, section 12.5.5)."""
        request = exchange.client.request
        return self._cache.key(*[request.get(name) or b"" for name in names]) if names else b""


def lifetime(answer: Answer, times: tuple[tuple[int, float], ...]) -> float:
    """Seconds for which ANSWER holds, by what it says or else by TIMES; 0: it is not to be kept."""
    if answer.get(b"set-cookie") is not None or b"*" in _listed(answer.get(b"vary")):
        return 0
    said = _said(answer)
    if said is None:
        said = next((seconds for status, seconds in times if status in (0, answer.status)), 0.0)
    return min(said, LONGEST)


def _said(answer: Answer) -> float | None:
    """What ANSWER itself says; None: nothing."""
    accel = answer.get(b"x-accel-expires")
    if accel is not None:
        at = accel.startswith(b"@")
        seconds = _number(accel.removeprefix(b"@"))
        return None if seconds is None else max(seconds - time(), 0) if at else seconds
    pairs = [one.partition(b"=") for one in _listed(answer.get(b"cache-control"))]
    directives = {name.strip(): value for name, _, value in pairs}
    if directives.keys() & {b"no-cache", b"no-store", b"private"}:
        return 0
    for name in (b"s-maxage", b"max-age"):
        seconds = _number(directives.get(name, b"").strip(b' "'))
        if seconds is not None:
            return seconds
    expires = answer.get(b"expires")
    return _until(expires) if expires is not None else None


def _listed(value: bytes | None) -> list[bytes]:
    """The members of a list, in lower case."""
    return [one.strip().lower() for one in (value or b"").split(b",") if one.strip()]


def _number(text: bytes) -> float | None:
    return float(text) if text.isdigit() and len(text) < 16 else None


def _until(date: bytes) -> float:
    """Seconds until DATE; 0 for one that is past, or none (RFC 9111, section 5.3)."""
    try:
        return max(parsedate_to_datetime(date.decode("latin-1")).timestamp() - time(), 0)
    except (ValueError, OverflowError):
        return 0
