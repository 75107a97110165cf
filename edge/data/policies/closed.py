"""Answers every request 503, because what guards the route cannot be carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import Closed


def add(policy: Closed, phases: Phases) -> None:  # noqa: ARG001 - the reason is for people
    """A gate that lets nothing pass."""
    phases.gates.append(gate)
    phases.closed = True


def gate(exchange: Exchange) -> Reply | None:  # noqa: ARG001 - whatever is asked
    """503."""
    return replies.UNAVAILABLE
