"""Limits the heads of responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import ResponseHead


def add(policy: ResponseHead, phases: Phases) -> None:
    """The exchange itself goes by it."""
    phases.largest_head = policy.size
