"""Removes, sets and adds fields of the response that goes to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.policies.fields import lines, names, without

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.policies import ResponseHeaders


def add(policy: ResponseHeaders, phases: Phases) -> None:
    """An edit of endpoints' responses; answers that Edge makes itself stay as they are."""
    hidden = frozenset(names((*policy.remove, *(name for name, _ in policy.set))))
    # Several lines of one name are one list, or cookies that stay apart (RFC 9110, section 5.3).
    added = lines((*policy.set, *policy.add))

    def edit(exchange: Exchange, response: Message | None) -> None:
        if response is None:
            return
        for name in hidden:
            response.hide(name)
        if added or exchange.fields:
            exchange.fields = without(exchange.fields, hidden) + added

    phases.answers.append(edit)
    phases.written.update(names(name for name, _ in (*policy.set, *policy.add)))
