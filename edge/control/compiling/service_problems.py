"""The problems of Service ports that backends name, as messages for the authors of the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.endpoints import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.compiling.used_port import UsedPort
    from edge.control.translate.parts import ServiceUse

MOST_SHOWN: Final = 4
"""Addresses in one message."""
ANSWER: Final = "requests are answered 503"
OF_CANARY: Final = "the main Service takes all requests"
STAND_IN: Final = "requests go to the Service that default-backend names"
FAULTS: Final = {
    Fault.MISSING_SERVICE: (".name", "does not exist"),
    Fault.MISSING_PORT: (".port", "has no {protocol} port {port}"),
    Fault.NO_CLUSTER_IP: ("", "has no cluster IP for the annotation service-upstream to use"),
    Fault.EXTERNAL_NAME_DISABLED: ("", "is of type ExternalName, which is disabled here or has no name"),
}
"""Causes of a port without endpoints: the field within the backend's `service`, and the message."""


def problems(use: ServiceUse, port: UsedPort) -> Iterator[Problem]:
    """The problems of PORT, which USE names."""
    fault = _fault(use, port)
    if fault is not None:
        yield fault
    if port.found.refused:
        yield _refusal(use, port)


def _fault(use: ServiceUse, port: UsedPort) -> Problem | None:
    found, answer = port.found, _answer(use)
    service = f"Service {port.service[0]}/{port.service[1]}"
    if found.fault is None:
        if found.endpoints or found.refused or port.pending:
            return None
        number = f" for port {port.port}" if port.port else ""
        return warning("NoEndpoints", use.field, f"{service} has no ready endpoint{number}; {answer}")
    if found.fault is Fault.NAME_NOT_RESOLVED:
        instead = "the last addresses that were found are used" if found.endpoints else answer
        message = f"{service}: {port.external_name} cannot be resolved ({found.detail}); {instead}"
        return warning(found.fault, use.field, message)
    if found.fault is Fault.INTERNAL:
        instead = "its last endpoints stay in use" if found.endpoints else answer
        return error(found.fault, use.field, f"{service}: {found.detail}; {instead}")
    if found.fault is Fault.ADDRESS_TYPE:
        return warning(found.fault, use.field, f"{found.detail}, which is not supported; they are left out")
    part, reason = FAULTS[found.fault]
    place = use.field if use.instead else use.field + part
    return error(
        found.fault, place, f"{service} {reason.format(port=port.port, protocol=port.protocol).rstrip()}; {answer}"
    )


def _answer(use: ServiceUse) -> str:
    """What happens while USE has no endpoint."""
    if use.instead:
        return use.instead
    if use.canary:
        return OF_CANARY
    return STAND_IN if use.stand_in else ANSWER


def _refusal(use: ServiceUse, port: UsedPort) -> Problem:
    """The report of the addresses of PORT that were left out."""
    refused = port.found.refused
    shown = ", ".join(refused[:MOST_SHOWN]) + (f" and {len(refused) - MOST_SHOWN} more" if refused[MOST_SHOWN:] else "")
    origin = f"{port.external_name} resolves to" if port.external_name else "it has endpoints at"
    report, instead = (warning, "the other addresses are used") if port.found.endpoints else (error, _answer(use))
    message = f"Service {'/'.join(port.service)}: {origin} {shown}, which must not be an endpoint; {instead}"
    return report("AddressNotAllowed", use.field, message)
