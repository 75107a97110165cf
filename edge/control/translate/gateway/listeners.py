"""Translates a Gateway and its ListenerSets: sockets, certificates of listeners, and the parts that are not supported.

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
from edge.control.translate.gateway import frontend
from edge.control.translate.gateway.client_pair import client_pair
from edge.control.translate.gateway.facts import FINE, GatewayFacts, ListenerFacts, ListenerSetFacts, Verdict
from edge.control.translate.gateway.frontend import UNASKED
from edge.control.translate.gateway.grants import remedy
from edge.control.translate.gateway.hostnames import record_name
from edge.control.translate.gateway.infrastructure import Infrastructure
from edge.control.translate.gateway.listener_states import ROUTE_KINDS, SCHEMES, scope_of
from edge.control.translate.parts import HostPart, SecretUse, Translation
from edge.system.addresses import parse_listener
from edge.table.records import Listening, scoped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.kinds.gateway import Gateway, SecretReference
    from edge.control.kinds.listener_sets import ListenerSet
    from edge.control.translate.gateway.listener_states import ListenerState
    from edge.control.translate.gateway.view import Assignment, View
    from edge.settings import Settings
    from edge.table.records import TlsOptions

USUAL: Final = {"HTTP": 80, "HTTPS": 443, "TLS": 443}
"""Ports that a load balancer or a Service maps onto those of Edge."""
FLAGS: Final = {"HTTP": "--http", "HTTPS": "--https", "TLS": "--https"}
"""Protocols whose sockets are those of listeners, and the flags whose addresses they have without own ones."""
OVER_TLS: Final = ("HTTPS", "TLS")
MESSAGES: Final = {
    "ProtocolConflict": "another listener has the same port with another protocol",
    "HostnameConflict": "another listener has the same port and host name",
}


class Listeners:
    """The translation of the listeners in OWNER, a Gateway or a ListenerSet of it.

    - `facts`, `problems`: of each of them. `hosts`, `sockets`, `secrets`, `options`: as a `Translation` has them.
    """

    def __init__(self, owner: ObjectId, gateway: Gateway, view: View, settings: Settings) -> None:
        self._owner = owner
        self._gateway = gateway
        self._view = view
        self._settings = settings
        self._assignment = view.assignment(gateway)
        self.facts: list[ListenerFacts] = []
        self.problems: list[Problem] = []
        self.secrets: list[SecretUse] = []
        self.hosts: dict[str, HostPart] = {}
        self.sockets: dict[Listening, None] = {}
        self.options: dict[str, TlsOptions] = {}
        for state in view.listener_states(gateway):
            if state.owner == owner:
                self._take(state)

    def _take(self, state: ListenerState) -> None:
        listener = state.listener
        self.problems += _limits(state, self._assignment, self._settings)
        tls = listener.protocol in OVER_TLS
        scope = scope_of(self._gateway.id, listener) if not self._assignment.shared else ""
        key = scoped(scope, record_name(state.hostname)) if scope else state.hostname
        references = FINE
        own: tuple[tuple[str, str], ...] = ()
        if tls and listener.tls is not None and listener.tls.mode == "Terminate":
            found, faults = _certificates(state, self._view, key)
            self.secrets += found
            self.problems += faults
            own = tuple((use.namespace, use.secret) for use in found)
            references = Verdict(faults[0].reason, faults[0].message) if faults else FINE
        clients = UNASKED
        if listener.protocol == "HTTPS":
            clients = frontend.verified(self._gateway, listener.port, self._view)
        self.problems += clients.problems
        references = references if references.reason else clients.resolved
        if state.unknown_kinds and not references.reason:
            references = Verdict("InvalidRouteKinds", f"not supported: {', '.join(state.unknown_kinds)}")
        self.facts.append(ListenerFacts(state, references, own, clients.accepted))
        if clients.accepted.reason:
            self.secrets = [use for use in self.secrets if use.host != key]
        elif scope and state.served and listener.protocol in FLAGS:
            if clients.options is not None:
                self.options[key] = clients.options
            if listener.protocol in SCHEMES:
                self.hosts[key] = HostPart(listener=record_name(state.hostname), wider=True, tls=tls)
            for address in self._assignment.addresses:
                self.sockets[Listening(address, self._assignment.port_of(listener), scope, tls)] = None


def translate(gateway: Gateway, view: View, settings: Settings) -> Translation | None:
    """The translation of GATEWAY without its routes; None: it belongs to another controller."""
    fault = view.class_fault(gateway)
    if fault:
        problem = error("UnknownClass", "spec.gatewayClassName", f"{fault}; the Gateway is not served")
        return Translation(gateway.order, {}, None, (), (), (problem,))
    if not view.is_ours(gateway):
        return None
    assignment = view.assignment(gateway)
    found = Listeners(gateway.id, gateway, view, settings)
    problems = [*_asked_in_vain(assignment), *found.problems]
    every = [one for one in view.listener_states(gateway) if one.served]
    infrastructure = Infrastructure(gateway, every, view, settings)
    problems += infrastructure.problems
    attached = {one.owner for one in every} - {gateway.id}
    pair = client_pair(gateway, view)
    references = FINE
    if pair is not None and pair.problem is not None:
        problems.append(pair.problem)
        references = Verdict(pair.problem.reason, pair.problem.message)
    insecure = frontend.is_insecure(gateway)
    facts = GatewayFacts(
        tuple(found.facts),
        assignment,
        infrastructure.parameters,
        len(attached),
        references,
        insecure,
        infrastructure.service,
    )
    return _translation(gateway, found, problems, facts)


def translate_set(listener_set: ListenerSet, view: View, settings: Settings) -> Translation | None:
    """The translation of LISTENER_SET; None: its Gateway belongs to another controller, or does not exist."""
    gateway = view.gateway(listener_set.gateway)
    if gateway is None:
        message = f"Gateway {'/'.join(listener_set.gateway)} does not exist"
        return Translation(listener_set.order, {}, None, (), (), (error("NoGateway", "spec.parentRef", message),))
    if not view.is_ours(gateway):
        return None
    if listener_set not in view.listener_sets(gateway):
        message = f"{gateway.id} does not allow it; see allowedListeners there"
        facts = ListenerSetFacts((), Verdict("NotAllowed", message))
        problem = error("NotAllowed", "spec.parentRef", message)
        return Translation(listener_set.order, {}, None, (), (), (problem,), facts=facts)
    found = Listeners(listener_set.id, gateway, view, settings)
    return _translation(listener_set, found, found.problems, ListenerSetFacts(tuple(found.facts)))


def _translation(
    owner: Gateway | ListenerSet, found: Listeners, problems: list[Problem], facts: GatewayFacts | ListenerSetFacts
) -> Translation:
    return Translation(
        owner.order,
        found.hosts,
        None,
        (),
        tuple(found.secrets),
        tuple(problems),
        facts=facts,
        sockets=tuple(found.sockets),
        tls_options=found.options,
    )


def _asked_in_vain(assignment: Assignment) -> Iterator[Problem]:
    """What is wrong with the addresses of a Gateway."""
    if assignment.unsupported:
        message = f"{assignment.unsupported} is not supported; use IPAddress"
        yield error("UnsupportedAddress", "spec.addresses", message)
    elif assignment.unusable:
        yield error("AddressNotUsable", "spec.addresses", assignment.unusable)
    elif assignment.missing:
        yield error("AddressNotAssigned", "", assignment.missing)


def _limits(state: ListenerState, assignment: Assignment, settings: Settings) -> Iterator[Problem]:
    """The parts of a listener that are not applied."""
    listener, field = state.listener, state.field
    if state.refusal:
        message = f"{listener.protocol} is not supported; the listener is not served (use {' or '.join(ROUTE_KINDS)})"
        yield error(state.refusal, f"{field}.protocol", message)
        return
    if state.conflict:
        yield error(state.conflict, field, f"{MESSAGES[state.conflict]}, so this one is not served")
    if assignment.shared and listener.protocol in FLAGS:
        flag = FLAGS[listener.protocol]
        own = settings.http if flag == "--http" else settings.https
        if listener.port not in {USUAL[listener.protocol], *_ports(own)}:
            message = f"port {listener.port} is not opened; the listener is served at the addresses of {flag}"
            yield warning("ListenerPort", f"{field}.port", message)
    for number, kind in enumerate(listener.allowed_routes.kinds):
        if (kind.group, kind.kind) not in state.kinds:
            possible = ", ".join(name for _, name in ROUTE_KINDS.get(listener.protocol, ()))
            message = f"{kind.kind} of {kind.group} cannot attach to protocol {listener.protocol}; {possible} can"
            yield error("InvalidRouteKinds", f"{field}.allowedRoutes.kinds[{number}]", message)


def _ports(listeners: Iterable[str]) -> set[int]:
    return {one.port for text in listeners for one in parse_listener(text)}


def _certificates(state: ListenerState, view: View, key: str) -> tuple[list[SecretUse], list[Problem]]:
    """The Secrets of a listener, for the server names of KEY; what is wrong with the references to them."""
    uses: list[SecretUse] = []
    problems: list[Problem] = []
    tls = state.listener.tls
    for index, reference in enumerate(tls.certificate_refs if tls is not None else ()):
        at = f"{state.field}.tls.certificateRefs[{index}]"
        secret, found = _secret(state.owner, reference, at, view)
        problems += found
        if secret is not None:
            uses.append(SecretUse(key, *secret, f"{at}.name", f"{state.field}.hostname"))
    return uses, problems


def _secret(
    owner: ObjectId, reference: SecretReference, field: str, view: View
) -> tuple[tuple[str, str] | None, list[Problem]]:
    """Namespace and name of the Secret of REFERENCE; None: it must not, or cannot, be used."""
    if (reference.group, reference.kind) != ("", "Secret"):
        message = f"{reference.kind} is not supported; name a Secret"
        return None, [error("InvalidCertificateRef", f"{field}.kind", message)]
    target = ObjectId("Secret", reference.namespace or owner.namespace, reference.name)
    if target.namespace != owner.namespace and not view.is_granted(owner, target):
        message = f"{target} is in another namespace, and {remedy(owner, target)}"
        return None, [error("RefNotPermitted", field, message)]
    return (target.namespace, target.name), []
