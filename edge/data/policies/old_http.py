"""Asks endpoints by HTTP/1.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.http import replies
from edge.data.http._message import UNKNOWN_LENGTH

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import OldHttp

LENGTH_REQUIRED: Final = replies.plain(411)


def add(policy: OldHttp, phases: Phases) -> None:  # noqa: ARG001 - that it is there says all
    """An edit of the request, and a gate: content of unknown length cannot be sent by HTTP/1.0."""
    phases.gates.append(gate)
    phases.edits.append(edit)


def gate(exchange: Exchange) -> Reply | None:
    """411 (RFC 9110, section 15.5.12)."""
    return LENGTH_REQUIRED if exchange.client.length == UNKNOWN_LENGTH else None


def edit(exchange: Exchange) -> None:
    """The head is written as one of HTTP/1.0."""
    exchange.outgoing.old = True
