"""The rules for which the CRDs of GatewayClass, Gateway and ListenerSet refuse an object, in the parts that Edge reads.

Rules of this file:
- Values that a CRD takes and Edge does not support are no fault here: the translation reports them
  (`edge.control.translate.gateway`).

Source: Gateway API v1.6, apis/v1, the kubebuilder and CEL rules of its types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds import names
from edge.control.kinds.gateway import GROUP
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.validation import fault_at, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.gateway import Gateway, GatewayClass, GatewayTls, Infrastructure, Listener
    from edge.control.kinds.listener_sets import ListenerSet

MOST_LISTENERS: Final = 64
MOST_PROPAGATED: Final = 8


def gateway_class(one: GatewayClass) -> Iterator[ObjectError]:
    """What is wrong with a GatewayClass."""
    name = one.spec.controller_name
    yield from fault_at("spec.controllerName", names.controller_fault(name) if name else "required")


def gateway(one: Gateway) -> Iterator[ObjectError]:
    """What is wrong with a Gateway."""
    spec = one.spec
    if not spec.gateway_class_name:
        yield ObjectError("spec.gatewayClassName", "required")
    yield from _listeners(spec.listeners)
    origin = spec.allowed_listeners.namespaces.origin
    yield from one_of("spec.allowedListeners.namespaces.from", origin, ("All", "Same", "Selector", "None"))
    if spec.infrastructure is not None:
        yield from _infrastructure(spec.infrastructure)
    if spec.tls is not None:
        yield from _client_tls(spec.tls)


def _infrastructure(one: Infrastructure) -> Iterator[ObjectError]:
    for part, given in (("labels", one.labels), ("annotations", one.annotations)):
        field = f"spec.infrastructure.{part}"
        if len(given) > MOST_PROPAGATED:
            yield ObjectError(field, f"must have no more than {MOST_PROPAGATED} {part}")
        for name in given:
            yield from fault_at(field, names.qualified_fault(name))
    for name, value in one.labels.items():
        yield from fault_at(f"spec.infrastructure.labels.{name}", names.label_value_fault(value))


def listener_set(one: ListenerSet) -> Iterator[ObjectError]:
    """What is wrong with a ListenerSet."""
    parent = one.spec.parent_ref
    if not parent.name:
        yield ObjectError("spec.parentRef.name", "required")
    if (parent.group, parent.kind) != (GROUP, "Gateway"):
        yield ObjectError("spec.parentRef.kind", f"must be Gateway of {GROUP}")
    yield from _listeners(one.spec.listeners)


def _listeners(listeners: Sequence[Listener]) -> Iterator[ObjectError]:
    if not 0 < len(listeners) <= MOST_LISTENERS:
        yield ObjectError("spec.listeners", f"must have from 1 to {MOST_LISTENERS} listeners")
    seen: dict[object, int] = {}
    for number, listener in enumerate(listeners):
        field = f"spec.listeners[{number}]"
        yield from _listener(listener, field)
        if seen.setdefault(listener.name, number) != number:
            yield ObjectError(f"{field}.name", f'"{listener.name}" is used twice')
        place = (listener.port, listener.protocol, names.host_name(listener.hostname))
        if seen.setdefault(place, number) != number:
            yield ObjectError(field, "port, protocol and hostname together must be unique among the listeners")


def _listener(listener: Listener, field: str) -> Iterator[ObjectError]:
    yield from fault_at(f"{field}.name", names.subdomain_fault(listener.name) if listener.name else "required")
    yield from fault_at(f"{field}.port", names.port_number_fault(listener.port))
    if not listener.protocol:
        yield ObjectError(f"{field}.protocol", "required")
    if listener.hostname:
        yield from fault_at(f"{field}.hostname", names.host_fault(names.host_name(listener.hostname)))
    if listener.protocol == "HTTP" and listener.tls is not None:
        yield ObjectError(f"{field}.tls", "must not be there for protocol HTTP")
    if listener.protocol == "HTTPS" and (listener.tls is None or listener.tls.mode != "Terminate"):
        yield ObjectError(f"{field}.tls", "must be there with mode Terminate for protocol HTTPS")
    if listener.protocol == "TLS" and listener.tls is None:
        yield ObjectError(f"{field}.tls", "must be there for protocol TLS")
    if listener.protocol in ("TCP", "UDP") and (listener.tls is not None or listener.hostname):
        yield ObjectError(field, f"must have neither tls nor hostname for protocol {listener.protocol}")
    if listener.tls is not None:
        if listener.tls.mode == "Terminate" and not listener.tls.certificate_refs:
            yield ObjectError(f"{field}.tls.certificateRefs", "required for mode Terminate")
        for number, reference in enumerate(listener.tls.certificate_refs):
            if not reference.name:
                yield ObjectError(f"{field}.tls.certificateRefs[{number}].name", "required")
    origin = listener.allowed_routes.namespaces.origin
    yield from one_of(f"{field}.allowedRoutes.namespaces.from", origin, ("All", "Same", "Selector", "None"))


def _client_tls(tls: GatewayTls) -> Iterator[ObjectError]:
    """What is wrong with the verification of clients."""
    if tls.frontend is None:
        return
    asked = [("spec.tls.frontend.default.validation", tls.frontend.default.validation)]
    ports: set[int] = set()
    for number, one in enumerate(tls.frontend.per_port):
        field = f"spec.tls.frontend.perPort[{number}]"
        yield from fault_at(f"{field}.port", names.port_number_fault(one.port))
        if one.port in ports:
            yield ObjectError(f"{field}.port", f"{one.port} is there twice")
        ports.add(one.port)
        asked.append((f"{field}.tls.validation", one.tls.validation))
    for field, validation in asked:
        if validation is not None:
            yield from one_of(f"{field}.mode", validation.mode, ("AllowValidOnly", "AllowInsecureFallback"))
            if not validation.ca_certificate_refs:
                yield ObjectError(f"{field}.caCertificateRefs", "required")
