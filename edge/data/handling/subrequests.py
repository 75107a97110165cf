"""Sending subrequests: calls beside the one that the client has asked for.

Rules of this file:
- A subrequest has a call, an outcome and limits of its own. What comes of it stands in no counter of the route.
- The response is read as a whole, up to a limit; a connection with more on it is closed.
- The end of the client ends the wait, and counts as the end of the client.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.data.exchange._outcome import Outcome
from edge.data.exchange.client import Client
from edge.data.exchange.subrequest import Answer, UnansweredError
from edge.data.handling.calls import Call
from edge.data.net.errors import ExchangeError

if TYPE_CHECKING:
    from edge.data.exchange.subrequest import Ask
    from edge.data.exchange.upstream import Upstream
    from edge.data.handling.calls import Calls
    from edge.data.http._message import Message, Outgoing
    from edge.data.upstream.balancer import Balancer
    from edge.data.upstream.terms import Terms

log = logging.getLogger("edge.data")


class Subrequests:
    """Sends the subrequests of a worker."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def to(self, balancer: Balancer, terms: Terms, most: int) -> Ask:
        """What asks the endpoints of BALANCER on TERMS, and reads MOST bytes of content at most."""

        def ask(request: Outgoing, content: bytes, client: Client | None) -> Answer:
            target = balancer.choose(())
            if target is None:
                raise UnansweredError(f"{balancer.key} has no endpoint")
            outcome = Outcome()
            outcome.start()
            call = Call(self._calls, Behalf(client), request, outcome)
            try:
                failure = call.ask(terms, balancer, target, content)
                if failure is None:
                    return _read(call, request, most)
                if failure.target is not None and failure.target.may_be_reported():
                    log.warning("no answer to a subrequest: endpoint %s", failure.reason)
                raise UnansweredError(failure.reason or str(failure.reply.status))
            except ExchangeError as error:
                if not error.endpoint:
                    raise
                if target.may_be_reported():
                    log.warning("an answer to a subrequest broke off: endpoint %s: %s", target.name, error)
                raise UnansweredError(str(error)) from error
            finally:
                call.end()

        return ask


class Behalf(Client):
    """Edge itself as the client of a call, on behalf of CLIENT; None: of one that is not waited for."""

    def __init__(self, client: Client | None) -> None:
        self._client = client

    def watch(self, upstream: Upstream | None) -> None:
        """As `Client`: the end of the other client's connection ends the wait."""
        if self._client is not None:
            self._client.watch(upstream)

    def interim(self, response: Message) -> None:
        """As `Client`: nothing to do."""


def _read(call: Call, request: Outgoing, most: int) -> Answer:
    """The response whose head has come by CALL, the answer to REQUEST."""
    upstream = call.upstream
    assert upstream is not None  # noqa: S101 - there was no failure
    response, status = upstream.response, upstream.response.status
    bodiless = request.method == b"HEAD" or status in (204, 304)
    fields = response.items()
    upstream.start_content(bodiless)
    content = upstream.content
    pieces: list[bytes] = []
    size, whole = 0, True
    while count := content.fill() if not bodiless else 0:
        pieces.append(content.buffer.take(count))
        size += count
        if size > most:
            whole = False
            break
    if whole:
        call.release(bodiless)
    return Answer(status, fields, b"".join(pieces)[:most], whole)
