"""Answers every request of a route with a redirect to one URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.exchange.texts import filler
from edge.data.http import replies

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import RedirectTo


def add(policy: RedirectTo, phases: Phases) -> None:
    """A gate that lets nothing pass."""
    status, location = policy.status, filler(policy.location)

    def gate(exchange: Exchange) -> Reply | None:
        return replies.redirect(status, location(exchange))

    phases.gates.append(gate)
