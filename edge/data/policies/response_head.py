"""Limits the heads of responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import ResponseHead


def add(policy: ResponseHead, phases: Phases) -> None:
    """Read by the exchange itself."""
    phases.largest_head = policy.size
