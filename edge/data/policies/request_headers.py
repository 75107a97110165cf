"""Removes, sets and adds fields of the request that goes to the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.policies.fields import combined, lines, names

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import RequestHeaders


def add(policy: RequestHeaders, phases: Phases) -> None:
    """An edit of the request."""
    hidden = names((*policy.remove, *(name for name, _ in policy.set)))
    added = lines(policy.set)

    def edit(exchange: Exchange) -> None:
        message, more = exchange.outgoing.message, added
        for added_name, value in policy.add:
            more += combined(message, added_name, value)
        for name in hidden:
            message.hide(name)
        exchange.outgoing.added += more

    phases.edits.append(edit)
