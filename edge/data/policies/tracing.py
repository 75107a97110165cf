"""Says whether and how requests are traced."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import Tracing


def add(policy: Tracing, phases: Phases) -> None:
    """Read by the tracer; without tracing it is not used."""
    phases.tracing = policy
