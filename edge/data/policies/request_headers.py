"""Removes, sets and adds fields of the request that goes to the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.policies.fields import combined, lines, names, without

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import RequestHeaders


OWN: Final = {"host": "host", "x-request-id": "request_id", "x-forwarded-host": "forwarded_host"}
"""Fields that every request has once, and the attributes of `Outgoing` that they are written from."""


def add(policy: RequestHeaders, phases: Phases) -> None:
    """An edit of the request. It also replaces what Edge itself, or an earlier edit, says under the same name."""
    hidden = frozenset(names((*policy.remove, *(name for name, _ in policy.set))))
    own = [(OWN[name.lower()], value.encode()) for name, value in (*policy.add, *policy.set) if name.lower() in OWN]
    added = lines(field for field in policy.set if field[0].lower() not in OWN)
    adding = [field for field in policy.add if field[0].lower() not in OWN]

    def edit(exchange: Exchange) -> None:
        outgoing = exchange.outgoing
        message, more = outgoing.message, added
        for added_name, value in adding:
            more += combined(message, added_name, value)
        for name in hidden:
            message.hide(name)
        outgoing.added = without(outgoing.added, hidden) + more
        for attribute, content in own:
            setattr(outgoing, attribute, content)

    phases.edits.append(edit)
