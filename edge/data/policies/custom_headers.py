"""Adds fields to every response, in place of the endpoint's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.policies.fields import lines, names

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.policies import CustomHeaders

TYPE: Final = "content-type"
"""The field that Edge's own answers have in any case."""


def add(policy: CustomHeaders, phases: Phases) -> None:
    """Constant fields. Those of CORS are its own."""
    fields = [one for one in policy.fields if one[0].lower().encode() not in phases.written]
    constant = [one for one in fields if one[0].lower() != TYPE]
    phases.set_fields(lines(constant), names(name for name, _ in fields))
    own_type = [one for one in fields if one[0].lower() == TYPE]
    if own_type:
        phases.content_type = own_type[0][1].encode()
        line = lines(own_type[:1])

        def edit(exchange: Exchange, response: Message | None) -> None:
            if response is not None:
                exchange.fields += line

        phases.answers.append(edit)
