"""The resources that the server knows, and the way from a URL to one of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One row of the API: where objects of a kind live."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    has_status: bool = False
    shortnames: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


RESOURCES = (
    Resource("", "v1", "namespaces", "Namespace", namespaced=False, has_status=True, shortnames=("ns",)),
    Resource("", "v1", "nodes", "Node", namespaced=False, has_status=True, shortnames=("no",)),
    Resource("", "v1", "pods", "Pod", has_status=True, shortnames=("po",)),
    Resource("", "v1", "services", "Service", has_status=True, shortnames=("svc",)),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "configmaps", "ConfigMap", shortnames=("cm",)),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", shortnames=("sa",)),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Resource("networking.k8s.io", "v1", "ingresses", "Ingress", has_status=True, shortnames=("ing",)),
    Resource("networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced=False),
    Resource("gateway.networking.k8s.io", "v1", "gatewayclasses", "GatewayClass", namespaced=False, has_status=True),
    Resource("gateway.networking.k8s.io", "v1", "gateways", "Gateway", has_status=True, shortnames=("gtw",)),
    Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", has_status=True),
    Resource("gateway.networking.k8s.io", "v1", "backendtlspolicies", "BackendTLSPolicy", has_status=True),
    Resource("gateway.networking.k8s.io", "v1", "listenersets", "ListenerSet", has_status=True),
    Resource("gateway.networking.k8s.io", "v1", "grpcroutes", "GRPCRoute", has_status=True),
    Resource("gateway.networking.k8s.io", "v1", "tlsroutes", "TLSRoute", has_status=True),
    Resource("gateway.networking.k8s.io", "v1", "tcproutes", "TCPRoute", has_status=True),
    Resource("gateway.networking.k8s.io", "v1", "udproutes", "UDPRoute", has_status=True),
    Resource("gateway.networking.k8s.io", "v1beta1", "referencegrants", "ReferenceGrant"),
    Resource(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        namespaced=False,
        shortnames=("crd",),
    ),
    Resource("coordination.k8s.io", "v1", "leases", "Lease"),
    Resource("events.k8s.io", "v1", "events", "Event", shortnames=("ev",)),
    Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False),
    Resource("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Resource("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
    Resource("apps", "v1", "deployments", "Deployment", has_status=True, shortnames=("deploy",)),
    Resource("apps", "v1", "daemonsets", "DaemonSet", has_status=True, shortnames=("ds",)),
    Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", has_status=True, shortnames=("pdb",)),
)
BY_KIND = {resource.kind: resource for resource in RESOURCES}
BY_PATH = {(resource.group, resource.version, resource.plural): resource for resource in RESOURCES}


@dataclass(frozen=True)
class Target:
    """What a URL points at."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def resolve(path: str) -> Target | None:
    """The target of PATH, None when it is no path of a known resource."""
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        group, rest = "", parts[1:]
    elif parts[0] == "apis" and len(parts) > 1:
        group, rest = parts[1], parts[2:]
    else:
        return None
    if len(rest) < 2:
        return None
    version, rest = rest[0], rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] != "status":
        namespace, rest = rest[1], rest[2:]
    resource = BY_PATH.get((group, version, rest[0]))
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        return None
    rest += [""] * (3 - len(rest))
    return Target(resource, namespace, rest[1], rest[2])
