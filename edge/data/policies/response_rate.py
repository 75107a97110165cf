"""Limits how fast a client gets a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.policies.pace import Pace

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import ResponseRate


def add(policy: ResponseRate, phases: Phases) -> None:
    """Read by the exchange itself."""
    phases.pace = Pace(policy.rate, policy.after)
