"""Refuses request bodies that are too large: by Content-Length at once, others when they pass the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import BodyLimit


def add(policy: BodyLimit, phases: Phases) -> None:
    """A gate, and a limit for what carries the body."""
    limit = phases.body_limit = policy.size

    def gate(exchange: Exchange) -> Reply | None:
        return replies.TOO_LARGE if exchange.client.length > limit else None

    phases.gates.append(gate)
