"""Carries out the statements of a host's snippet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.policies.scripts import Script, of_route

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import ServerSnippet


def add(policy: ServerSnippet, phases: Phases) -> None:
    """As `snippet`; but that of a route may take the place of fields, so none of them is certain beforehand."""
    script = Script(policy.statements, of_route(phases.route))
    if script.decides:
        phases.gates.append(script.gate)
    if script.asks:
        phases.edits.append(script.edit)
    phases.hidden.extend(script.hidden)
    phases.set_by_host |= script.sets
    phases.inherited.append(script.add_nothing)
    if script.answers:
        phases.answers.append(script.answer)
