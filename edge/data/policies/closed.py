"""Answers every request 503, or another status, because what guards the route cannot be applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import Closed


def add(policy: Closed, phases: Phases) -> None:
    """A gate that lets nothing pass; the reason is for people."""
    if policy.status == 503:
        phases.gates.append(gate)
    else:
        reply = replies.plain(policy.status)
        phases.gates.append(lambda exchange: reply)  # noqa: ARG005 - whatever is asked
    phases.closed = True


def gate(exchange: Exchange) -> Reply | None:  # noqa: ARG001 - whatever is asked
    """503."""
    return replies.UNAVAILABLE
