"""Gives endpoints a Connection field."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import ConnectionField


def add(policy: ConnectionField, phases: Phases) -> None:
    """An edit of the request; one that asks for another protocol needs its own Connection field."""
    line = f"Connection: {policy.value}\r\n".encode()

    def edit(exchange: Exchange) -> None:
        if not exchange.outgoing.message.upgrade:
            exchange.outgoing.added += line

    phases.edits.append(edit)
