"""Removes, sets and adds fields of the request that goes to the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.policies.fields import checked, lines, names, without

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import RequestHeaders


OWN: Final = {"host": "host", "x-request-id": "request_id", "x-forwarded-host": "forwarded_host"}
"""Fields that every request has once, and the attributes of `Outgoing` that they are written from."""


def add(policy: RequestHeaders, phases: Phases) -> None:
    """An edit of the request. It also replaces what Edge itself, or an earlier edit, says under the same name."""
    hidden = frozenset(names((*policy.remove, *(name for name, _ in policy.set))))
    changed = (*policy.add, *policy.set)
    own = [(OWN[name.lower()], checked(value).encode()) for name, value in changed if name.lower() in OWN]
    # Several lines of one name are one list (RFC 9110, section 5.3), so what the client sent is not written again.
    appended = lines(field for field in (*policy.set, *policy.add) if field[0].lower() not in OWN)

    def edit(exchange: Exchange) -> None:
        outgoing = exchange.outgoing
        for name in hidden:
            outgoing.message.hide(name)
        outgoing.added = without(outgoing.added, hidden)
        outgoing.appended = without(outgoing.appended, hidden) + appended
        for attribute, content in own:
            setattr(outgoing, attribute, content)

    phases.edits.append(edit)


def change(exchange: Exchange, name: bytes, key: bytes, value: bytes) -> None:
    """Give the endpoint VALUE as the only field NAME (KEY in lower case); empty: no such field, but for Host."""
    outgoing = exchange.outgoing
    own = OWN.get(key.decode("latin-1"))
    if own is not None:
        if value or own != "host":
            setattr(outgoing, own, value)
        return
    hidden = frozenset((key,))
    outgoing.message.hide(key)
    outgoing.added = without(outgoing.added, hidden)
    outgoing.appended = without(outgoing.appended, hidden) + (b"%s: %s\r\n" % (name, value) if value else b"")
