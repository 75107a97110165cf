"""Sending a response's content otherwise than as it comes: read ahead, at a limited rate, as the response itself says.

Rules of this file:
- An application may say with X-Accel-Buffering that its response is read ahead (`yes`) or not (`no`), whatever the
  route says, and with X-Accel-Limit-Rate how many bytes a second go to the client, where it is read ahead (nginx,
  ngx_http_proxy_module). Clients do not get these fields.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import gevent

from edge.data.handling.ahead import Ahead
from edge.data.handling.encoded import Encoded
from edge.data.policies.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange._outcome import Outcome
    from edge.data.exchange.client import Client
    from edge.data.exchange.exchange import Exchange
    from edge.data.handling.calls import Call
    from edge.data.handling.handling import Handling
    from edge.data.http._content import Content
    from edge.data.http._message import Message
    from edge.data.routing.plan import Plan

MOST_DIGITS = 18


def manner(plan: Plan, response: Message) -> tuple[bool, Pace | None]:
    """Whether the content is read ahead and at which rate it is sent: by PLAN, or by RESPONSE where it says so."""
    ahead, pace = plan.response_buffering.on, plan.pace
    if response.accel:
        word = (response.get(b"x-accel-buffering") or b"").lower()
        ahead = word == b"yes" if word in (b"yes", b"no") else ahead
        rate = response.get(b"x-accel-limit-rate") or b""
        if ahead and rate.isdigit() and len(rate) <= MOST_DIGITS:
            pace = Pace(int(rate), pace.after if pace is not None else 0) if int(rate) else None
    return ahead, pace


def steer(call: Call, client: Client, exchange: Exchange, plan: Plan, handling: Handling) -> None:
    """Send the content of the response to CALL otherwise than as it comes, where PLAN or the response says so."""
    upstream, outcome = call.upstream, exchange.outcome
    assert upstream is not None  # noqa: S101 - it has answered
    length = upstream.response.length  # the half may serve another exchange when this has been sent
    is_ahead, pace = manner(plan, upstream.response)

    def carry(content: Content, at_hand: Callable[[], bool]) -> None:
        if exchange.coding is None:
            send(client, content, outcome, pace)
            return
        encoded = Encoded(content, exchange.coding, length, at_hand, handling.threads)
        try:
            send(client, encoded, outcome, pace)
        finally:
            encoded.account(outcome)

    if not is_ahead:
        carry(upstream.content, upstream.at_hand)
        client.finish(upstream.trailers() if upstream.content.trailers else None)
        call.release(False)
        return

    def free() -> None:
        call.release(False)
        call.end()

    ahead = Ahead(upstream, handling.spools, plan.response_buffering, free)
    try:
        carry(ahead, ahead.at_hand)
        client.finish(ahead.section)
    finally:
        ahead.stop()


def send(client: Client, content: Content, outcome: Outcome, pace: Pace | None) -> None:
    """Send all of CONTENT to CLIENT, at PACE."""
    if pace is not None:
        _send_paced(client, content, outcome, pace)
    while count := content.fill():
        client.send(content.buffer, count, content.done and not content.trailers)
        outcome.upstream_content += count


def _send_paced(client: Client, content: Content, outcome: Outcome, pace: Pace) -> None:
    """In pieces: between two of them it shows that the client has gone."""
    begun = time.monotonic()
    while left := content.fill():
        while left:
            count = min(left, pace.piece)
            left -= count
            client.send(content.buffer, count, content.done and not content.trailers and not left)
            outcome.upstream_content += count
            if left or not content.done:
                client.flush()
                gevent.sleep(pace.delay(outcome.upstream_content, time.monotonic() - begun))
