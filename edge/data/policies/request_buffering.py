"""Decides which request bodies are read before an endpoint is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import RequestBuffering


def add(policy: RequestBuffering, phases: Phases) -> None:
    """Read by the exchange itself."""
    phases.request_buffering = policy
