"""Copies of requests for the mirrors of a route, as the endpoint gets them (Gateway API, HTTPRequestMirrorFilter).

They belong to no policy, because a mirror is a backend with a transport of its own.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from edge.data.exchange.subrequest import outgoing
from edge.data.policies.copies import MOST_CONTENT, TERMS, Copies, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Outgoing
    from edge.data.net.spool import Spool
    from edge.data.policies.phases import Phases, Tee
    from edge.table.records import RouteMirror


def tees(mirrors: Iterable[RouteMirror], phases: Phases) -> Iterator[Tee]:
    """A tee for each of MIRRORS.

    Raises:
        ValueError: one of them cannot be asked.
    """
    return (_tee(one, phases) for one in mirrors if one.numerator)


def _tee(mirror: RouteMirror, phases: Phases) -> Tee:
    copies = Copies(phases.asks(mirror.backend.key, mirror.backend.transport, TERMS, MOST_CONTENT))
    share = mirror.numerator / mirror.denominator

    def tee(exchange: Exchange, content: bytes | Spool | None) -> None:
        if content is not None and random.random() < share and copies.takes(content):
            copies.send(_copy(exchange, size_of(content)), content)

    return tee


def _copy(exchange: Exchange, size: int) -> Outgoing:
    """The copy of EXCHANGE's request with SIZE bytes of content."""
    request, client = exchange.outgoing, exchange.client
    copy = outgoing(
        method=request.method,
        target=request.target,
        host=request.host,
        fields=b"X-Forwarded-Host: %b\r\n%b%b%b"
        % (request.forwarded_host or client.host, request.added, client.request.passed(), request.appended),
        request_id=request.request_id,
    )
    if size:
        copy.length = size
    return copy
