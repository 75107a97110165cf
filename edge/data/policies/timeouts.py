"""Limits the silence of endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import Timeouts


def add(policy: Timeouts, phases: Phases) -> None:
    """The exchange itself goes by them."""
    phases.timeouts = policy
