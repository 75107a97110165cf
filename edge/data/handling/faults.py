"""What is answered and logged where a request cannot be served: the one place that turns an error into a status.

Rules of this file:
- A response that has begun is never repaired: what comes too late breaks the connection, visibly for the client.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.net.errors import MessageError, StreamTimeout
from edge.table.paths import path_of

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.net.errors import ExchangeError
    from edge.data.upstream.attempts import Failure
    from edge.data.upstream.target import Target

log = logging.getLogger("edge.data")

CLIENT_CLOSED = 499
"""nginx's status, for logs and metrics, of a request whose client did not wait for the answer."""


def answer(error: ExchangeError) -> Reply | None:
    """The answer for ERROR, when no response has begun; None: the client is gone."""
    if isinstance(error, MessageError):
        return replies.plain(error.status)
    if isinstance(error, StreamTimeout):
        return replies.GATEWAY_TIMEOUT if error.endpoint else replies.plain(408)
    return replies.BAD_GATEWAY if error.endpoint else None


def caught(error: ExchangeError, client: Client, exchange: Exchange, target: Target | None) -> Reply | None:
    """The answer of CLIENT for ERROR, None: there is none; sets the status to account. TARGET: the endpoint that was
    asked last."""
    outcome = exchange.outcome
    if not error.endpoint:
        log.debug("client %s: %s", client.address, error)
    if exchange.begun:
        if error.endpoint and target is not None:
            complain(target, "an answer broke off", f"{target.name}: {error}", client.request)
        client.abort(error.endpoint, error.code)
        outcome.status = outcome.upstream_status
        return None
    reply = answer(error)
    if reply is None:
        client.abort(False)
    outcome.status = reply.status if reply is not None else CLIENT_CLOSED
    return reply


def unexpected(client: Client, exchange: Exchange) -> Reply | None:
    """As `caught`, for an exception that is not expected; to be called while it is handled."""
    request = client.request
    log.exception("request %r for %r from %s", request.target, request.host, client.address)
    return failed(500, client, exchange)


def failed(status: int, client: Client, exchange: Exchange) -> Reply | None:
    """As `caught`, for what Edge itself could not do; STATUS if it is not too late for that."""
    outcome = exchange.outcome
    if exchange.begun:
        client.abort(True)
        outcome.status = outcome.upstream_status
        return None
    outcome.status = status
    return replies.plain(status)


def unanswered(failure: Failure, request: Message) -> Reply:
    """The answer to REQUEST in place of the one that no endpoint gave."""
    if failure.target is not None:
        complain(failure.target, "no answer", failure.reason, request)
    return failure.reply


def complain(target: Target, what: str, reason: str, request: Message) -> None:
    """Log, now and then, WHAT came of REQUEST because of TARGET, and for what REASON."""
    if target.may_be_reported():
        path = path_of(request.target).decode("latin-1")
        host, method = request.host.decode("latin-1"), request.method.decode("latin-1")
        log.warning("%s to %s %s%s: endpoint %s", what, method, host, path, reason)
