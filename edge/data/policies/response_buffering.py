"""Decides how far responses are read ahead of their clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import ResponseBuffering


def add(policy: ResponseBuffering, phases: Phases) -> None:
    """Read by the exchange itself."""
    phases.response_buffering = policy
