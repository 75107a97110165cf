"""Limits how long a request may take as a whole (Gateway API, HTTPRouteTimeouts)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import Deadline


def add(policy: Deadline, phases: Phases) -> None:
    """Read by the exchange itself."""
    phases.deadline = policy
