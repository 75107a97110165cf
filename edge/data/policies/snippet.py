"""Carries out the statements of a snippet; those that answer act before all other gates of the route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.policies.scripts import Script, of_route

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import LocationSnippet, Snippet


def add(policy: Snippet | LocationSnippet, phases: Phases) -> None:
    """A gate, an edit of the request and one of the response: those that the statements need. Fields that a snippet of
    the host sets, too, are written after those, in an edit."""
    script = Script(policy.statements, of_route(phases.route))
    if script.decides:
        phases.gates.append(script.gate)
    if script.asks:
        phases.edits.append(script.edit)
    phases.hidden.extend(script.hidden)
    if script.adds:
        for leave_out in phases.inherited:
            leave_out()
    constant = script.constant()
    if constant is not None and phases.set_by_host.isdisjoint(constant[1]):
        phases.set_fields(*constant)
    elif script.answers:
        phases.answers.append(script.answer)
