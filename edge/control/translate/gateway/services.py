"""The Service of a Gateway: as it is to be, and as it is.

Rules of this file:
- A Service of Edge has two labels: the name of its Gateway, and that Edge manages it. Any other Service with its name
  does not belong to Edge and is not changed.
- It has no selector, because Edge's pods are in another namespace: its EndpointSlices are made beside it.
- Fields of a Gateway override its own parameters, and those override the ones of its class.

Source: Gateway API v1.6, GatewayInfrastructure; Kubernetes API reference, Service v1.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.control.kinds.names import LABEL_LENGTH, label_fault
from edge.control.kinds.services import GATEWAY_NAME_LABEL, MANAGED_BY_LABEL, TCP, UDP
from edge.control.translate.service_addresses import addresses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.control.kinds.gateway import Gateway, Listener
    from edge.control.kinds.services import Service
    from edge.control.translate.gateway.parameters import Parameters
    from edge.control.translate.gateway.view import Assignment

MANAGER: Final = "edge-ingress"
BALANCER: Final = "LoadBalancer"
_ONLY: Final = {
    "externalTrafficPolicy": (BALANCER, "NodePort"),
    "loadBalancerClass": (BALANCER,),
    "loadBalancerSourceRanges": (BALANCER,),
    "loadBalancerIP": (BALANCER,),
    "allocateLoadBalancerNodePorts": (BALANCER,),
}
"""Fields that only Services of these types may have."""


class PublishedPort(msgspec.Struct, frozen=True, gc=False):
    """A port of the Service."""

    name: str
    port: int
    protocol: str
    target: int
    """The port behind it."""


class GatewayService(msgspec.Struct, frozen=True, gc=False):
    """The Service that a Gateway is to have."""

    namespace: str
    name: str
    gateway: str
    uid: str
    """Of the Gateway."""
    ports: tuple[PublishedPort, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]
    """Fields of its spec beside the ports."""
    backends: tuple[str, ...] = ()
    """Addresses behind it; none: those of Edge's pods."""


def service_name(gateway: str) -> str:
    """Name of the Service of the Gateway with this name in the same namespace."""
    return short(f"edge-{gateway}")


def short(name: str) -> str:
    """NAME, or a unique label if it is not a DNS label."""
    if not label_fault(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name.replace('.', '-')[: LABEL_LENGTH - 11].rstrip('-')}-{digest}"


def own_labels(gateway: str) -> dict[str, str]:
    """The labels of all that is made for the Gateway with this name."""
    return {GATEWAY_NAME_LABEL: short(gateway), MANAGED_BY_LABEL: MANAGER}


def is_ours(service: Service, gateway: str) -> bool:
    """Whether Edge has made SERVICE for the Gateway with this name."""
    return own_labels(gateway).items() <= (service.metadata.labels or {}).items()


def taken(gateway: Gateway) -> str:
    """The problem if a Service that is not Edge's has the name of that of GATEWAY."""
    namespace, name = gateway.metadata.namespace, service_name(gateway.metadata.name)
    return f"Service {namespace}/{name} is there and is not Edge's; delete it, or give the Gateway another name"


def targets(service: Service) -> dict[tuple[int, bool], int]:
    """The ports behind those of SERVICE, by number and whether they are of UDP."""
    return {
        (one.port, one.protocol == UDP): one.target_port
        for one in service.spec.ports or ()
        if isinstance(one.target_port, int)
    }


def shown(service: Service) -> tuple[tuple[str, str], ...]:
    """Type and value of the addresses of SERVICE, for the status of its Gateway."""
    return tuple(("IPAddress", one.ip) if one.ip else ("Hostname", one.hostname or "") for one in addresses_of(service))


def wanted(
    gateway: Gateway, listeners: Iterable[Listener], assignment: Assignment, parameters: Parameters, kind: str
) -> GatewayService:
    """The Service of GATEWAY for LISTENERS; KIND: its type, unless PARAMETERS name another one."""
    metadata, asked = gateway.metadata, gateway.spec.infrastructure
    spec = {"type": kind, **parameters.spec}
    address = next((one.value for one in gateway.spec.addresses if one.value), "")
    if address and assignment.ports:
        spec["loadBalancerIP" if spec["type"] == BALANCER else "clusterIP"] = address
    labels = {**parameters.labels, **(asked.labels if asked is not None else {}), **own_labels(metadata.name)}
    annotations = {**parameters.annotations, **(asked.annotations if asked is not None else {})}
    return GatewayService(
        metadata.namespace,
        service_name(metadata.name),
        metadata.name,
        metadata.uid,
        _ports(listeners, assignment),
        labels,
        annotations,
        {name: value for name, value in spec.items() if spec["type"] in _ONLY.get(name, (spec["type"],))},
        () if assignment.ports else assignment.addresses,
    )


def _ports(listeners: Iterable[Listener], assignment: Assignment) -> tuple[PublishedPort, ...]:
    found: dict[tuple[int, str], PublishedPort] = {}
    for one in listeners:
        protocol = UDP if one.protocol == UDP else TCP
        name = f"{one.protocol.lower()}-{one.port}"
        found.setdefault((one.port, protocol), PublishedPort(name, one.port, protocol, assignment.port_of(one)))
    return tuple(found[place] for place in sorted(found))
