"""Refuses request bodies that are too large.

An announced length is compared before any gate acts, as in nginx; other bodies are refused when they pass the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import BodyLimit


def add(policy: BodyLimit, phases: Phases) -> None:
    """Read by the exchange itself."""
    phases.body_limit = policy
