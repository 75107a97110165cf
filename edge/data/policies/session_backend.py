"""Chooses the backend that the session of a client is with (Gateway API, SessionPersistence)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.policies.affinity import split, value_of
from edge.data.policies.session_times import SessionTimes

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import SessionBackend


def add(policy: SessionBackend, phases: Phases) -> None:
    """A choice."""
    session = value_of(policy.cookie, policy.header)
    if policy.absolute or policy.idle:
        session = SessionTimes(session, policy.absolute, policy.idle).read
    sides = {one.encode(): number for number, one in enumerate(policy.sides) if one}

    def choose(exchange: Exchange) -> int | None:
        return sides.get(split(session(exchange.client.request))[1])

    phases.choices.append(choose)
