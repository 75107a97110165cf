"""A GatewayClass: whether it is ours, and whether its parameters can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.translate.gateway import parameters
from edge.control.translate.gateway.facts import FINE, ClassFacts, Verdict
from edge.control.translate.parts import Translation

if TYPE_CHECKING:
    from edge.control.kinds.gateway import GatewayClass
    from edge.control.translate.gateway.view import View
    from edge.settings import Settings


def translate(one: GatewayClass, view: View, settings: Settings) -> Translation | None:
    """The translation of the class ONE; None: it belongs to another controller."""
    if one.spec.controller_name != settings.controller_class:
        return None
    found = of_class(one, view)
    verdict = Verdict(found.problem.reason, found.problem.message) if found.problem is not None else FINE
    problems = (found.problem,) if found.problem is not None else ()
    return Translation(one.order, {}, None, (), (), problems, facts=ClassFacts(verdict))


def of_class(one: GatewayClass, view: View) -> parameters.Read:
    """The parameters of the class ONE."""
    reference = one.spec.parameters_ref
    return parameters.read(reference, reference.namespace if reference else "", "spec.parametersRef", view)
