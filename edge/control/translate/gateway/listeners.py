"""A Gateway taken with its class: the certificates of its listeners, and what of them is not supported.

Rules of this file:
- All listeners are served at Edge's own ports: HTTP at those of --http, HTTPS at those of --https. Another port that a
  listener names is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.gateway import GROUP
from edge.control.kinds.names import host_name
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.gateway.grants import remedy
from edge.control.translate.parts import SecretUse, Translation
from edge.system.addresses import parse_listener

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.kinds.gateway import Gateway, Listener, SecretReference
    from edge.control.translate.gateway.view import View
    from edge.settings import Settings

SCHEMES: Final = {"HTTP": "http", "HTTPS": "https"}
"""Schemes of the requests that a listener takes, by its protocol; listeners of other protocols are not served."""
USUAL: Final = {"HTTP": 80, "HTTPS": 443}
"""Ports that a load balancer or a Service maps onto those of Edge."""
ROUTE_KINDS: Final = {(GROUP, "HTTPRoute")}


def translate(gateway: Gateway, view: View, settings: Settings) -> Translation | None:
    """What GATEWAY asks for beside the routes that attach to it; None: it is another controller's."""
    order = (gateway.metadata.creation_timestamp or "", gateway.metadata.namespace, gateway.metadata.name)
    fault = view.class_fault(gateway)
    if fault:
        problem = error("UnknownClass", "spec.gatewayClassName", f"{fault}; the Gateway is not served")
        return Translation(order, {}, None, (), (), (problem,))
    if not view.is_ours(gateway):
        return None
    problems: list[Problem] = []
    secrets: list[SecretUse] = []
    for number, listener in enumerate(gateway.spec.listeners):
        field = f"spec.listeners[{number}]"
        problems += _limits(listener, field, settings)
        if listener.protocol == "HTTPS" and listener.tls is not None:
            for index, reference in enumerate(listener.tls.certificate_refs):
                at = f"{field}.tls.certificateRefs[{index}]"
                secret, found = _secret(gateway, reference, at, view)
                problems += found
                if secret is not None:
                    host = host_name(listener.hostname)
                    use = SecretUse(host, *secret, f"{at}.name", f"{field}.hostname")
                    secrets.append(use)
    return Translation(order, {}, None, (), tuple(secrets), tuple(problems))


def _limits(listener: Listener, field: str, settings: Settings) -> Iterator[Problem]:
    """What LISTENER asks for and does not get."""
    if listener.protocol not in SCHEMES:
        message = f"{listener.protocol} is not supported; the listener is not served (use HTTP or HTTPS)"
        yield error("UnsupportedProtocol", f"{field}.protocol", message)
        return
    flag, own = ("--http", settings.http) if listener.protocol == "HTTP" else ("--https", settings.https)
    if listener.port not in {USUAL[listener.protocol], *_ports(own)}:
        message = f"port {listener.port} is not opened; the listener is served at the addresses of {flag}"
        yield warning("ListenerPort", f"{field}.port", message)
    allowed = listener.allowed_routes
    if allowed.namespaces.origin == "Selector":
        message = "Selector is not supported; routes of no namespace may attach (use All or Same)"
        yield error("UnsupportedValue", f"{field}.allowedRoutes.namespaces.from", message)
    for number, kind in enumerate(allowed.kinds):
        if (kind.group, kind.kind) not in ROUTE_KINDS:
            message = f"{kind.kind} of {kind.group} is not supported; HTTPRoute is"
            yield error("InvalidRouteKinds", f"{field}.allowedRoutes.kinds[{number}]", message)


def _ports(listeners: Iterable[str]) -> set[int]:
    return {one.port for text in listeners for one in parse_listener(text)}


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
