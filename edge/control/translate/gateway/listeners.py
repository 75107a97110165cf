"""A Gateway taken with its class: its sockets, the certificates of its listeners, and what of them is not supported.

Rules of this file:
- A Gateway with addresses of its own is served there, at the ports that its listeners name: its hosts and server names
  have a scope for each port. Every listener has a record there, so that no other one takes its requests.
- The listeners of a Gateway without own addresses are served at Edge's ports: HTTP at those of --http, HTTPS at those
  of --https. Another port that a listener names is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.gateway.facts import FINE, GatewayFacts, ListenerFacts, Verdict
from edge.control.translate.gateway.grants import remedy
from edge.control.translate.gateway.hostnames import record_name
from edge.control.translate.gateway.standing import scope_of, standings
from edge.control.translate.parts import HostPart, SecretUse, Translation
from edge.system.addresses import parse_listener
from edge.table.records import Listening, scoped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.kinds.gateway import Gateway, SecretReference
    from edge.control.translate.gateway.standing import Standing
    from edge.control.translate.gateway.view import Assignment, View
    from edge.settings import Settings

USUAL: Final = {"HTTP": 80, "HTTPS": 443}
"""Ports that a load balancer or a Service maps onto those of Edge."""
MESSAGES: Final = {
    "ProtocolConflict": "another listener has the same port with another protocol; neither is served",
    "HostnameConflict": "another listener has the same port and host name; neither is served",
}


def translate(gateway: Gateway, view: View, settings: Settings) -> Translation | None:
    """What GATEWAY asks for beside the routes that attach to it; None: it is another controller's."""
    order = (gateway.metadata.creation_timestamp or "", gateway.metadata.namespace, gateway.metadata.name)
    fault = view.class_fault(gateway)
    if fault:
        problem = error("UnknownClass", "spec.gatewayClassName", f"{fault}; the Gateway is not served")
        return Translation(order, {}, None, (), (), (problem,))
    if not view.is_ours(gateway):
        return None
    assignment = view.assignment(gateway)
    problems: list[Problem] = list(_asked_in_vain(gateway, assignment))
    secrets: list[SecretUse] = []
    facts: list[ListenerFacts] = []
    hosts: dict[str, HostPart] = {}
    sockets: dict[tuple[str, int], Listening] = {}
    for standing in standings(gateway):
        problems += _limits(standing, assignment, settings)
        references = FINE
        own: tuple[tuple[str, str], ...] = ()
        tls = standing.listener.protocol == "HTTPS"
        scope = scope_of(gateway, standing.listener.port) if not assignment.shared else ""
        key = scoped(scope, record_name(standing.hostname)) if scope else standing.hostname
        if tls and standing.listener.tls is not None:
            found, faults = _certificates(gateway, standing, view, key)
            secrets += found
            problems += faults
            own = tuple((use.namespace, use.secret) for use in found)
            references = Verdict(faults[0].reason, faults[0].message) if faults else FINE
        if standing.unknown_kinds and not references.reason:
            references = Verdict("InvalidRouteKinds", f"not supported: {', '.join(standing.unknown_kinds)}")
        facts.append(ListenerFacts(standing, references, own))
        if scope and standing.served:
            hosts[key] = HostPart(listener=record_name(standing.hostname), wider=True, tls=tls)
            for address in assignment.addresses:
                at = address, standing.listener.port
                sockets[at] = Listening(*at, scope, tls)
    parameters = FINE
    asked = gateway.spec.infrastructure
    if asked is not None and asked.parameters_ref is not None:
        message = f"{asked.parameters_ref.kind} {asked.parameters_ref.name} is not supported; leave parametersRef out"
        parameters = Verdict("InvalidParameters", message)
        problems.append(error("InvalidParameters", "spec.infrastructure.parametersRef", message))
    made = GatewayFacts(tuple(facts), assignment, parameters)
    return Translation(
        order, hosts, None, (), tuple(secrets), tuple(problems), facts=made, sockets=tuple(sockets.values())
    )


def _asked_in_vain(gateway: Gateway, assignment: Assignment) -> Iterator[Problem]:
    """What is wrong with the addresses of GATEWAY."""
    if assignment.unsupported:
        message = f"{assignment.unsupported} is not supported; use IPAddress"
        yield error("UnsupportedAddress", "spec.addresses", message)
    elif assignment.unusable:
        if gateway.spec.addresses:
            yield error("AddressNotUsable", "spec.addresses", assignment.unusable)
        else:
            yield error("AddressNotAssigned", "", assignment.unusable)


def _limits(standing: Standing, assignment: Assignment, settings: Settings) -> Iterator[Problem]:
    """What a listener asks for and does not get."""
    listener, field = standing.listener, standing.field
    if standing.refusal:
        message = f"{listener.protocol} is not supported; the listener is not served (use HTTP or HTTPS)"
        yield error(standing.refusal, f"{field}.protocol", message)
        return
    if standing.conflict:
        yield error(standing.conflict, field, MESSAGES[standing.conflict])
    flag, own = ("--http", settings.http) if listener.protocol == "HTTP" else ("--https", settings.https)
    if assignment.shared and listener.port not in {USUAL[listener.protocol], *_ports(own)}:
        message = f"port {listener.port} is not opened; the listener is served at the addresses of {flag}"
        yield warning("ListenerPort", f"{field}.port", message)
    for number, kind in enumerate(listener.allowed_routes.kinds):
        if (kind.group, kind.kind) not in standing.kinds:
            message = f"{kind.kind} of {kind.group} is not supported; HTTPRoute is"
            yield error("InvalidRouteKinds", f"{field}.allowedRoutes.kinds[{number}]", message)


def _ports(listeners: Iterable[str]) -> set[int]:
    return {one.port for text in listeners for one in parse_listener(text)}


def _certificates(gateway: Gateway, standing: Standing, view: View, key: str) -> tuple[list[SecretUse], list[Problem]]:
    """The Secrets of a listener, for the server names of KEY; what is wrong with the references to them."""
    uses: list[SecretUse] = []
    problems: list[Problem] = []
    tls = standing.listener.tls
    for index, reference in enumerate(tls.certificate_refs if tls is not None else ()):
        at = f"{standing.field}.tls.certificateRefs[{index}]"
        secret, found = _secret(gateway, reference, at, view)
        problems += found
        if secret is not None:
            uses.append(SecretUse(key, *secret, f"{at}.name", f"{standing.field}.hostname"))
    return uses, problems


def _secret(
    gateway: Gateway, reference: SecretReference, field: str, view: View
) -> tuple[tuple[str, str] | None, list[Problem]]:
    """Namespace and name of the Secret of REFERENCE; None: it must not, or cannot, be used."""
    if (reference.group, reference.kind) != ("", "Secret"):
        message = f"{reference.kind} is not supported; name a Secret"
        return None, [error("InvalidCertificateRef", f"{field}.kind", message)]
    target = ObjectId("Secret", reference.namespace or gateway.metadata.namespace, reference.name)
    if target.namespace != gateway.metadata.namespace and not view.is_granted(gateway.id, target):
        message = f"{target} is in another namespace, and {remedy(gateway.id, target)}"
        return None, [error("RefNotPermitted", field, message)]
    return (target.namespace, target.name), []
