"""Adds Strict-Transport-Security to responses over TLS (RFC 6797)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.policies import Hsts


FIELD: Final = b"strict-transport-security"


def add(policy: Hsts, phases: Phases) -> None:
    """A constant field, which takes the place of the endpoint's. Where another policy of the route has the field, its
    value counts."""
    line = f"Strict-Transport-Security: {policy.value}\r\n".encode()
    if FIELD in phases.replaced:
        return
    if FIELD in phases.written:

        def edit(exchange: Exchange, response: Message | None) -> None:
            if response is None and exchange.client.secure:
                exchange.fields += line

        phases.answers.append(edit)
        return
    phases.secure_fields += line
    phases.secure_replaced.append(FIELD)
