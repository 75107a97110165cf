"""Limits the silence of endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import Timeouts


def add(policy: Timeouts, phases: Phases) -> None:
    """Read by the exchange itself."""
    phases.timeouts = policy
