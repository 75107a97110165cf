"""Service and EndpointSlice, as typed structs; the rules are those of `edge.control.kinds.objects`.

Source: Kubernetes API reference, v1 of core and discovery.k8s.io.
"""

from __future__ import annotations

from typing import Final

import msgspec

from edge.control.kinds.load_balancers import LoadBalancerStatus
from edge.control.kinds.objects import Integer, Named, Struct

SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"
"""Names the Service of an EndpointSlice."""
GATEWAY_NAME_LABEL: Final = "gateway.networking.k8s.io/gateway-name"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
"""The labels of Services that are made for Gateways."""
TCP: Final = "TCP"
UDP: Final = "UDP"
"""Protocols of ports."""


class Port(Struct, frozen=True, kw_only=True):
    """What ports have in common."""

    protocol: str | None = None
    """None: TCP."""

    @property
    def is_tcp(self) -> bool:
        """Whether requests of HTTP can go there."""
        return self.speaks(TCP)

    def speaks(self, protocol: str) -> bool:
        """Whether it is a port of PROTOCOL, `TCP` or `UDP`."""
        return (self.protocol or TCP) == protocol


class ServicePort(Port, frozen=True):
    """One port of a Service."""

    port: Integer
    name: str | None = None
    target_port: Integer | str | None = None
    """Number or name of the pods' port; None: the same number as `port`."""
    app_protocol: str | None = None
    """What is spoken there, for routes of the Gateway API."""


class ServiceSpec(Struct, frozen=True):
    """Where a Service's traffic goes."""

    type: str | None = None
    """None: ClusterIP."""
    external_name: str | None = None
    cluster_ip: str | None = msgspec.field(default=None, name="clusterIP")
    """`None` as text for a headless Service."""
    external_ips: tuple[str, ...] | None = msgspec.field(default=None, name="externalIPs")
    ports: tuple[ServicePort, ...] | None = None


class Service(Named, frozen=True):
    """A named set of endpoints."""

    kind = "Service"
    api_version = "v1"
    spec: ServiceSpec = ServiceSpec()
    status: LoadBalancerStatus | None = None


class EndpointConditions(Struct, frozen=True):
    """State of one endpoint; None means what the API reference says, see `translate.endpoints`."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class ForZone(Struct, frozen=True):
    """A zone that is to use an endpoint."""

    name: str = ""


class EndpointHints(Struct, frozen=True):
    """Hints on who is to use an endpoint."""

    for_zones: tuple[ForZone, ...] | None = None


class SliceEndpoint(Struct, frozen=True):
    """One endpoint; its addresses are all of the same pod."""

    addresses: tuple[str, ...] | None = None
    conditions: EndpointConditions | None = None
    hints: EndpointHints | None = None

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones that are to use it; none: it has no hint."""
        return tuple(zone.name for zone in self.hints.for_zones or ()) if self.hints is not None else ()


class EndpointPort(Port, frozen=True):
    """A port of every endpoint of the slice."""

    name: str | None = None
    port: Integer | None = None


class EndpointSlice(Named, frozen=True):
    """A part of a Service's endpoints."""

    kind = "EndpointSlice"
    api_version = "discovery.k8s.io/v1"
    address_type: str = "IPv4"
    endpoints: tuple[SliceEndpoint, ...] | None = None
    ports: tuple[EndpointPort, ...] | None = None

    @property
    def service(self) -> str:
        """Name of the Service that the slice belongs to, empty when it does not say."""
        return (self.metadata.labels or {}).get(SERVICE_NAME_LABEL, "")
