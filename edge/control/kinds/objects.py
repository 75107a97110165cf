"""The Kubernetes objects that the control plane reads, as typed structs.

Rules of this file:
- Only fields that are read are declared; `edge.control.kinds.decoding` skips all others.
- Structs are immutable and compare by value, so that "the same object again" is an `==`.
- `null` is the same as absent, as in Go: every field that an API server may send as null allows None.
- Nothing is validated here beyond types. What the API server's admission would add or refuse is `admission`'s.

Sources: Kubernetes API reference, v1 of networking.k8s.io, discovery.k8s.io and core.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import msgspec

Key = tuple[str, str]
"""Namespace (empty for a cluster-scoped object) and name: what names an object among those of its kind."""


GATEWAY_NAME_LABEL: Final = "gateway.networking.k8s.io/gateway-name"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
"""The labels of Services that are made for Gateways."""


class ObjectError(ValueError):
    """The data is not an object of its kind; the message begins with the field: `spec.rules[0].host: ...`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


Integer = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A number that any field of Kubernetes can hold, and any record of the table."""


class Struct(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of all parts of objects."""


class Metadata(Struct, frozen=True):
    """ObjectMeta."""

    name: str = ""
    namespace: str = ""
    """Empty for a cluster-scoped object."""
    uid: str = ""
    resource_version: str = ""
    generation: Integer = 0
    creation_timestamp: str | None = None
    """RFC 3339 in UTC and seconds, so that text order is time order; None in a manifest."""
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Named(Struct, frozen=True):
    """Base of the objects themselves."""

    kind: ClassVar[str]
    api_version: ClassVar[str]
    metadata: Metadata

    @property
    def id(self) -> ObjectId:
        """Kind, namespace and name."""
        return ObjectId(self.kind, self.metadata.namespace, self.metadata.name)

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations, never None."""
        return self.metadata.annotations or {}


Object = Named
"""Any object that is read; `edge.control.kinds.registry` lists the kinds."""


class ObjectId(msgspec.Struct, frozen=True, order=True, gc=False):
    """What names an object within a cluster."""

    kind: str
    namespace: str
    """Empty for a cluster-scoped object."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


# --- networking.k8s.io/v1 -------------------------------------------------------------------------------------------


class ServiceBackendPort(Struct, frozen=True):
    """A port of a Service, by number or by name; exactly one is set."""

    name: str = ""
    number: Integer = 0

    def __str__(self) -> str:
        return self.name or str(self.number)


class IngressServiceBackend(Struct, frozen=True):
    """A Service in the Ingress's namespace."""

    name: str
    port: ServiceBackendPort = ServiceBackendPort()


class TypedReference(Struct, frozen=True):
    """An object in the same namespace (TypedLocalObjectReference)."""

    kind: str = ""
    name: str = ""
    api_group: str | None = None


class IngressBackend(Struct, frozen=True):
    """Where requests go: a Service or a resource."""

    service: IngressServiceBackend | None = None
    resource: TypedReference | None = None


class HTTPIngressPath(Struct, frozen=True):
    """One path of a rule."""

    backend: IngressBackend = IngressBackend()
    path: str | None = None
    path_type: str | None = None


class HTTPIngressRule(Struct, frozen=True):
    """The paths of a rule."""

    paths: tuple[HTTPIngressPath, ...] | None = None


class IngressRule(Struct, frozen=True):
    """Paths under one host."""

    host: str | None = None
    http: HTTPIngressRule | None = None


class IngressTLS(Struct, frozen=True):
    """Hosts and the Secret with their certificate."""

    hosts: tuple[str, ...] | None = None
    secret_name: str | None = None


class IngressSpec(Struct, frozen=True):
    """What an Ingress asks for."""

    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    rules: tuple[IngressRule, ...] | None = None
    tls: tuple[IngressTLS, ...] | None = None


class LoadBalancerIngress(Struct, frozen=True):
    """An address at which traffic is accepted."""

    ip: str | None = None
    hostname: str | None = None


class LoadBalancer(Struct, frozen=True):
    """The addresses at which traffic is accepted."""

    ingress: tuple[LoadBalancerIngress, ...] | None = None


class LoadBalancerStatus(Struct, frozen=True):
    """`status` of an Ingress and of a Service, as far as it is read."""

    load_balancer: LoadBalancer | None = None

    @property
    def addresses(self) -> tuple[LoadBalancerIngress, ...]:
        """The addresses, none when there is no such field."""
        return (self.load_balancer.ingress or ()) if self.load_balancer is not None else ()


class Ingress(Named, frozen=True):
    """Hosts and paths, and the Services behind them."""

    kind = "Ingress"
    api_version = "networking.k8s.io/v1"
    spec: IngressSpec = IngressSpec()
    status: LoadBalancerStatus | None = None


class IngressClassSpec(Struct, frozen=True):
    """Which controller serves the class."""

    controller: str = ""


class IngressClass(Named, frozen=True):
    """A class of Ingresses."""

    kind = "IngressClass"
    api_version = "networking.k8s.io/v1"
    spec: IngressClassSpec = IngressClassSpec()


# --- v1 and discovery.k8s.io/v1 -------------------------------------------------------------------------------------


TCP: Final = "TCP"
UDP: Final = "UDP"
"""Protocols of ports."""


class ServicePort(Struct, frozen=True):
    """One port of a Service."""

    port: Integer
    name: str | None = None
    protocol: str | None = None
    """None: TCP."""
    target_port: Integer | str | None = None
    """Number or name of the pods' port; None: the same number as `port`."""
    app_protocol: str | None = None
    """What is spoken there, for routes of the Gateway API."""

    @property
    def is_tcp(self) -> bool:
        """Whether requests of HTTP can go there."""
        return self.speaks(TCP)

    def speaks(self, protocol: str) -> bool:
        """Whether it is a port of PROTOCOL, `TCP` or `UDP`."""
        return (self.protocol or TCP) == protocol


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


class EndpointPort(Struct, frozen=True):
    """A port of every endpoint of the slice."""

    name: str | None = None
    port: Integer | None = None
    protocol: str | None = None
    """None: TCP."""

    @property
    def is_tcp(self) -> bool:
        """Whether requests of HTTP can go there."""
        return self.speaks(TCP)

    def speaks(self, protocol: str) -> bool:
        """Whether it is a port of PROTOCOL, `TCP` or `UDP`."""
        return (self.protocol or TCP) == protocol


SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"


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


TLS_TYPE: Final = "kubernetes.io/tls"
"""Of a Secret with a certificate."""
TLS_CHAIN: Final = "tls.crt"
TLS_KEY: Final = "tls.key"
"""Keys of the data of such a Secret."""
CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
"""Names the class of an Ingress where the field does not."""


class Secret(Named, frozen=True):
    """Confidential data."""

    kind = "Secret"
    api_version = "v1"
    type: str | None = None
    data: dict[str, bytes] | None = None
    """Already decoded from base64."""


class ConfigMap(Named, frozen=True):
    """Settings."""

    kind = "ConfigMap"
    api_version = "v1"
    data: dict[str, str] | None = None


class NamespaceStatus(Struct, frozen=True):
    """State of a namespace."""

    phase: str | None = None


class Namespace(Named, frozen=True):
    """A namespace."""

    kind = "Namespace"
    api_version = "v1"
    status: NamespaceStatus | None = None
