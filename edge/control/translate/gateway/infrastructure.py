"""The Service that a Gateway is to have.

Rules of this file:
- As long as something that the Service depends on is not valid or not known, the Service stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.kinds.problems import Problem, error
from edge.control.translate.gateway import parameters, services
from edge.control.translate.gateway.classes import of_class
from edge.control.translate.gateway.facts import FINE, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.control.kinds.gateway import Gateway
    from edge.control.translate.gateway.listener_states import ListenerState
    from edge.control.translate.gateway.services import GatewayService
    from edge.control.translate.gateway.view import View
    from edge.settings import Settings


class Infrastructure:
    """That of GATEWAY, which is ours, for the listeners in STATES, its own ones and others, all of them served.

    - `parameters`: whether its own parameters can be used.
    - `service`: what its Service is to be; None: it has none, or is to stay as it is.
    """

    def __init__(self, gateway: Gateway, states: Sequence[ListenerState], view: View, settings: Settings) -> None:
        self.parameters = FINE
        self.problems: list[Problem] = []
        self.service: GatewayService | None = None
        asked, field = gateway.spec.infrastructure, "spec.infrastructure.parametersRef"
        reference = asked.parameters_ref if asked is not None else None
        own = parameters.read(reference, gateway.metadata.namespace, field, view)
        if own.problem is not None:
            self.parameters = Verdict(own.problem.reason, own.problem.message)
            self.problems.append(own.problem)
        if not settings.gateway_services:
            return
        if view.service_is_taken((gateway.metadata.namespace, gateway.metadata.name)):
            self.problems.append(error("ServiceConflict", "", services.taken(gateway)))
            return
        gateway_class = view.gateway_class(gateway)
        of_all = of_class(gateway_class, view).parameters if gateway_class is not None else None
        assignment = view.assignment(gateway)
        if own.parameters is None or of_all is None or not assignment.addresses:
            return
        listeners = [one.listener for one in states]
        both = own.parameters.over(of_all)
        self.service = services.wanted(gateway, listeners, assignment, both, settings.gateway_services)
