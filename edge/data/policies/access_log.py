"""Keeps requests out of the access log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import NoAccessLog


def add(policy: NoAccessLog, phases: Phases) -> None:  # noqa: ARG001 - that it is there says all
    """Read by the exchange itself."""
    phases.logged = False
