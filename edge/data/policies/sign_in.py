"""Redirects a client to a page where it can sign in, instead of 401."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.exchange.texts import filler
from edge.data.http import replies

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Gate, Phases
    from edge.table.policies import SignIn


def add(policy: SignIn, phases: Phases) -> None:
    """Changes what the checks of the client answer. Comes after them all."""
    location = filler(policy.location)

    def instead(check: Gate) -> Gate:
        def gate(exchange: Exchange) -> Reply | None:
            reply = check(exchange)
            if reply is None or reply.status != 401:
                return reply
            return replies.redirect(302, location(exchange))

        return gate

    replaced = {check: instead(check) for check, _ in phases.checks}
    phases.gates[:] = [replaced.get(gate, gate) for gate in phases.gates]
    phases.checks[:] = [(replaced[check], admits) for check, admits in phases.checks]
