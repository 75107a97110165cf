"""The paths of the kinds in the API, and how Edge behaves without each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.control.kinds.core import TLS_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.kinds.objects import Key


@dataclass(frozen=True)
class Collection:
    """What to list and watch."""

    path: str
    """For instance `/apis/networking.k8s.io/v1/ingresses`."""
    resource: str
    """For messages: plural and group, for instance `ingresses.networking.k8s.io`."""
    scope: str = ""
    """The namespace, empty for the whole cluster."""
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False

    @property
    def query(self) -> dict[str, str]:
        """Query parameters of the selectors."""
        query = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector}
        return {name: value for name, value in query.items() if value}

    def __str__(self) -> str:
        where = f"namespace {self.scope}" if self.scope else "the cluster"
        return f"{self.resource} in {where}"


@dataclass(frozen=True)
class Kind:
    """A kind of object."""

    name: str
    """As in `edge.control.kinds.objects.KINDS`."""
    prefix: str
    """Path of the group and version."""
    plural: str
    namespaced: bool = True
    bulk_query: Mapping[str, str] = field(default_factory=dict)
    """Selects the objects that are usually needed, for reading many at once."""
    without: str = ""
    """What happens when we may not list it; empty: Edge cannot serve without."""
    custom: bool = False
    """Whether a CustomResourceDefinition has to be there first; until it is, there are no such objects."""

    @property
    def resource(self) -> str:
        """Plural and group, as RBAC rules and messages name it."""
        group = self.prefix.removeprefix("/apis/").partition("/")[0] if self.prefix.startswith("/apis/") else ""
        return f"{self.plural}.{group}" if group else self.plural

    def collection(
        self, namespace: str = "", *, name: str = "", labels: str = "", metadata_only: bool = False
    ) -> Collection:
        """All objects, or those of NAMESPACE, with NAME, with LABELS."""
        path = f"{self.prefix}/namespaces/{namespace}/{self.plural}" if namespace else f"{self.prefix}/{self.plural}"
        fields = f"metadata.name={name}" if name else ""
        return Collection(
            path,
            self.resource,
            scope=namespace,
            label_selector=labels,
            field_selector=fields,
            metadata_only=metadata_only,
        )

    def path_of(self, key: Key) -> str:
        """Path of one object."""
        return f"{self.collection(key[0]).path}/{key[1]}"


NETWORKING = "/apis/networking.k8s.io/v1"
CORE = "/api/v1"

INGRESS = Kind("Ingress", NETWORKING, "ingresses")
INGRESS_CLASS = Kind(
    "IngressClass",
    NETWORKING,
    "ingressclasses",
    namespaced=False,
    without="classes are told apart by name alone (--ingress-class)",
)
SERVICE = Kind("Service", CORE, "services")
ENDPOINT_SLICE = Kind("EndpointSlice", "/apis/discovery.k8s.io/v1", "endpointslices")
NAMESPACE = Kind(
    "Namespace",
    CORE,
    "namespaces",
    namespaced=False,
    without="Ingresses of a namespace that is being deleted are served until they are deleted themselves",
)
SECRET = Kind("Secret", CORE, "secrets", bulk_query={"fieldSelector": f"type={TLS_TYPE}"})
CONFIG_MAP = Kind("ConfigMap", CORE, "configmaps")
NODE = Kind("Node", CORE, "nodes", namespaced=False)
POD = Kind("Pod", CORE, "pods")
LEASE = Kind("Lease", "/apis/coordination.k8s.io/v1", "leases")
EVENT = Kind("Event", "/apis/events.k8s.io/v1", "events")

CUSTOM_RESOURCE_DEFINITION = Kind(
    "CustomResourceDefinition", "/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False
)

GATEWAY_API = "/apis/gateway.networking.k8s.io/v1"
_WITHOUT_GATEWAYS = "no Gateway is served"
GATEWAY_CLASS = Kind(
    "GatewayClass", GATEWAY_API, "gatewayclasses", namespaced=False, custom=True, without=_WITHOUT_GATEWAYS
)
GATEWAY = Kind("Gateway", GATEWAY_API, "gateways", custom=True, without=_WITHOUT_GATEWAYS)
LISTENER_SET = Kind("ListenerSet", GATEWAY_API, "listenersets", custom=True, without="no ListenerSet is served")
HTTP_ROUTE = Kind("HTTPRoute", GATEWAY_API, "httproutes", custom=True, without="no HTTPRoute is served")
BACKEND_TLS_POLICY = Kind(
    "BackendTLSPolicy",
    GATEWAY_API,
    "backendtlspolicies",
    custom=True,
    without="endpoints of routes get requests without TLS",
)
GRPC_ROUTE = Kind("GRPCRoute", GATEWAY_API, "grpcroutes", custom=True, without="no GRPCRoute is served")
TLS_ROUTE = Kind("TLSRoute", GATEWAY_API, "tlsroutes", custom=True, without="no TLSRoute is served")
TCP_ROUTE = Kind("TCPRoute", GATEWAY_API, "tcproutes", custom=True, without="no TCPRoute is served")
UDP_ROUTE = Kind("UDPRoute", GATEWAY_API, "udproutes", custom=True, without="no UDPRoute is served")
ROUTES = (HTTP_ROUTE, GRPC_ROUTE, TLS_ROUTE, TCP_ROUTE, UDP_ROUTE)
REFERENCE_GRANT = Kind(
    "ReferenceGrant",
    "/apis/gateway.networking.k8s.io/v1beta1",
    "referencegrants",
    custom=True,
    without="routes and Gateways cannot refer to other namespaces",
)
