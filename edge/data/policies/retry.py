"""Decides when another endpoint is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import Retry


def add(policy: Retry, phases: Phases) -> None:
    """Read by the exchange itself."""
    phases.retry = policy
