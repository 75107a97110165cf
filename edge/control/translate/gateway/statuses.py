"""The status of the objects of the Gateway API that are ours, in the form of their JSON.

Rules of this file:
- A condition has no lastTransitionTime here: that depends on what the API server has (`edge.control.answers`).
- Every condition names the generation that it was decided on.
- Of a Gateway without addresses of its own, the addresses and what follows from them are left to the writer: they are
  those of Edge, which it knows.

Source: Gateway API v1.6, apis/v1: the condition types and reasons of GatewayClass, Gateway, Listener and Route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from edge.control.kinds.gateway import GROUP
from edge.control.translate.gateway.facts import FINE, Verdict
from edge.control.translate.gateway.features import supported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.control.kinds.gateway import Gateway
    from edge.control.kinds.http_routes import ParentReference
    from edge.control.kinds.objects import Key
    from edge.control.translate.gateway.facts import (
        ClassFacts,
        GatewayFacts,
        ListenerFacts,
        ListenerSetFacts,
        ParentFacts,
        PolicyFacts,
        RouteFacts,
    )
    from edge.control.translate.gateway.listener_states import ListenerState

Status = dict[str, Any]
OPENED: Final = ("HTTP", "HTTPS", "TLS")
"""Protocols of listeners that have sockets of their own; those of the others are opened for their routes."""
ACCEPTED: Final = "Accepted"
PROGRAMMED: Final = "Programmed"
RESOLVED: Final = "ResolvedRefs"
CONFLICTED: Final = "Conflicted"
INSECURE: Final = "InsecureFrontendValidationMode"
PARTIALLY_INVALID: Final = "PartiallyInvalid"


def of_class(generation: int, facts: ClassFacts, *, own_addresses: bool, services: bool) -> Status:
    """The status of a GatewayClass; OWN_ADDRESSES: whether Gateways get addresses of their own, SERVICES: whether they
    get Services."""
    features = supported(own_addresses=own_addresses, services=services)
    return {
        "conditions": [_condition(generation, ACCEPTED, facts.parameters)],
        "supportedFeatures": [{"name": name} for name in features],
    }


class Findings(NamedTuple):
    """Further results for listeners."""

    routes: Mapping[str, int]
    """Number of those attached, by name of the listener."""
    certificates: Mapping[int, str]
    """What is wrong with those of a listener, by its number."""
    ports: Mapping[int, Verdict]
    """Why a port is not served."""


def of_gateway(gateway: Gateway, facts: GatewayFacts, findings: Findings) -> Status:
    """The status of GATEWAY."""
    generation = gateway.metadata.generation
    accepted, programmed = _gateway_verdicts(facts)
    if not programmed.reason:
        programmed = _worst(findings)
    conditions = [
        _condition(generation, ACCEPTED, accepted, holds=accepted.reason in ("", PARTLY)),
        _condition(generation, PROGRAMMED, programmed),
        _condition(generation, RESOLVED, facts.references),
    ]
    if facts.insecure:
        verdict = Verdict("ConfigurationChanged", "clients without a certificate that verifies are let in")
        conditions.append(_condition(generation, INSECURE, verdict, holds=True))
    status: Status = {
        "conditions": conditions,
        "listeners": [_listener(generation, one, findings) for one in facts.listeners],
    }
    if facts.sets or gateway.spec.allowed_listeners.namespaces.origin != "None":
        status["attachedListenerSets"] = facts.sets
    if not facts.assignment.shared:
        status["addresses"] = [{"type": kind, "value": value} for kind, value in facts.assignment.shown]
    return status


def of_listener_set(generation: int, facts: ListenerSetFacts, findings: Findings) -> Status:
    """As `of_gateway`, of a ListenerSet."""
    verdict = facts.allowed
    faulty = [one.state for one in facts.listeners if not _is_good(one, findings.certificates)]
    if not verdict.reason and faulty:
        names = ", ".join(one.listener.name for one in faulty)
        reason = "ListenersNotValid" if len(faulty) == len(facts.listeners) else PARTLY
        verdict = Verdict(reason, f"not valid: {names}")
    holds = verdict.reason in ("", PARTLY)
    return {
        "conditions": [
            _condition(generation, ACCEPTED, verdict, holds=holds),
            _condition(generation, PROGRAMMED, _worst(findings) if holds else verdict),
        ],
        "listeners": [_listener(generation, one, findings) for one in facts.listeners],
    }


def _is_good(one: ListenerFacts, certificates: Mapping[int, str]) -> bool:
    unresolved = one.references.reason not in ("", "InvalidRouteKinds") or one.state.number in certificates
    return one.state.served and not one.accepted.reason and not unresolved


def _worst(findings: Findings) -> Verdict:
    """The verdict on all ports together: one that cannot be opened goes before one that is not open yet."""
    return max(findings.ports.values(), key=lambda one: one.reason != "Pending", default=FINE)


PARTLY: Final = "SomeListenersNotValid"
"""Stands for ListenersNotValid where other listeners are: the Gateway is accepted all the same."""


def _gateway_verdicts(facts: GatewayFacts) -> tuple[Verdict, Verdict]:
    """Whether it is accepted, and whether it is programmed."""
    assignment = facts.assignment
    refused = [one.state for one in facts.listeners if not one.state.served or one.accepted.reason]
    accepted = programmed = FINE
    if refused:
        names = ", ".join(one.listener.name for one in refused)
        reason = "ListenersNotValid" if len(refused) == len(facts.listeners) else PARTLY
        accepted = Verdict(reason, f"not valid: {names}")
    if facts.parameters.reason:
        accepted = facts.parameters
    if assignment.unsupported:
        accepted = Verdict("UnsupportedAddress", f"addresses of type {assignment.unsupported} are not supported")
    if accepted.reason not in ("", PARTLY):
        programmed = Verdict("Invalid", accepted.message)
    elif assignment.unusable:
        programmed = Verdict("AddressNotUsable", assignment.unusable)
    elif assignment.missing or assignment.pending:
        programmed = Verdict("AddressNotAssigned", assignment.missing or assignment.pending)
    return accepted, programmed


def _listener(generation: int, facts: ListenerFacts, findings: Findings) -> Status:
    state, references = facts.state, facts.references
    certificate = findings.certificates.get(state.number, "")
    if certificate and not references.reason:
        references = Verdict("InvalidCertificateRef", certificate)
    reason = state.refusal or state.conflict
    accepted = Verdict(reason, _MESSAGES[reason]) if reason else facts.accepted
    programmed = _at_port(state, findings)
    if accepted.reason:
        programmed = Verdict(state.conflict or "Invalid", accepted.message)
    elif references.reason and references.reason != "InvalidRouteKinds":
        programmed = Verdict("Invalid", references.message)
    conflicted = Verdict(state.conflict or "NoConflicts", accepted.message if state.conflict else "")
    return {
        "name": state.listener.name,
        "supportedKinds": [{"group": group, "kind": kind} for group, kind in state.kinds],
        "attachedRoutes": findings.routes.get(state.listener.name, 0),
        "conditions": [
            _condition(generation, ACCEPTED, accepted),
            _condition(generation, PROGRAMMED, programmed),
            _condition(generation, RESOLVED, references),
            _condition(generation, CONFLICTED, conflicted, holds=bool(state.conflict)),
        ],
    }


def _at_port(state: ListenerState, findings: Findings) -> Verdict:
    """Why a listener is not served at its port."""
    if state.listener.protocol not in OPENED:
        return FINE
    verdict = findings.ports.get(state.listener.port, FINE)
    return verdict if verdict.reason in ("", "Pending") else Verdict("Invalid", verdict.message)


_MESSAGES: Final = {
    "UnsupportedProtocol": "this protocol is not supported",
    "ProtocolConflict": "another listener has the same port with another protocol",
    "HostnameConflict": "another listener has the same port and host name",
}


def of_route(generation: int, facts: RouteFacts, controller: str) -> Status:
    """The entries of a route's status that are those of CONTROLLER."""
    return {"parents": [_parent(generation, one, facts, controller) for one in facts.parents]}


def of_policy(generation: int, facts: PolicyFacts, gateways: Iterable[Key], controller: str) -> Status:
    """The entries of a BackendTLSPolicy's status that are those of CONTROLLER, one for each of GATEWAYS that it is used
    by."""
    conditions = [
        _condition(generation, ACCEPTED, facts.accepted),
        _condition(generation, RESOLVED, facts.resolved),
    ]
    return {
        "ancestors": [
            {
                "ancestorRef": {"group": GROUP, "kind": "Gateway", "namespace": namespace, "name": name},
                "controllerName": controller,
                "conditions": conditions,
            }
            for namespace, name in sorted(gateways)
        ]
    }


def _parent(generation: int, one: ParentFacts, facts: RouteFacts, controller: str) -> Status:
    conditions = [
        _condition(generation, ACCEPTED, one.accepted),
        _condition(generation, RESOLVED, facts.references),
    ]
    if facts.partly.reason:
        conditions.append(_condition(generation, PARTIALLY_INVALID, facts.partly, holds=True))
    return {"parentRef": _reference(one.parent), "controllerName": controller, "conditions": conditions}


def _reference(parent: ParentReference) -> Status:
    """PARENT as in the route."""
    made: Status = {"group": parent.group, "kind": parent.kind, "name": parent.name}
    if parent.namespace:
        made["namespace"] = parent.namespace
    if parent.section_name:
        made["sectionName"] = parent.section_name
    if parent.port:
        made["port"] = parent.port
    return made


def _condition(generation: int, kind: str, verdict: Verdict, *, holds: bool | None = None) -> Status:
    """The condition KIND; HOLDS: its status, None: it holds where VERDICT has no reason."""
    fine = not verdict.reason if holds is None else holds
    reason = "ListenersNotValid" if verdict.reason == PARTLY else verdict.reason or kind
    return {
        "type": kind,
        "status": "True" if fine else "False",
        "observedGeneration": generation,
        "reason": reason,
        "message": verdict.message,
    }
