"""Objects of the Gateway API in the form of their JSON, as short as tests can have them."""

from __future__ import annotations

from typing import Any

from tests.support.objects import Manifest

VERSION = "gateway.networking.k8s.io/v1"
GROUP = "gateway.networking.k8s.io"


def gateway_class(name: str = "edge", *, controller: str = "edge.ingress/controller") -> Manifest:
    return {
        "apiVersion": VERSION,
        "kind": "GatewayClass",
        "metadata": {"name": name},
        "spec": {"controllerName": controller},
    }


def listener(name: str = "http", hostname: str = "", *, secret: str = "", **rest: Any) -> Manifest:
    """A listener for HTTP, or with a SECRET for HTTPS."""
    made: Manifest = {"name": name, "port": 443 if secret else 80, "protocol": "HTTPS" if secret else "HTTP", **rest}
    if hostname:
        made["hostname"] = hostname
    if secret:
        made["tls"] = {"certificateRefs": [{"name": secret}]}
    return made


def gateway(
    *listeners: Manifest, name: str = "edge", namespace: str = "demo", gateway_class: str = "edge", **metadata: Any
) -> Manifest:
    return {
        "apiVersion": VERSION,
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"gatewayClassName": gateway_class, "listeners": list(listeners) or [listener()]},
    }


def route(
    *rules: Manifest,
    name: str = "web",
    namespace: str = "demo",
    hosts: tuple[str, ...] = ("web.example",),
    parents: list[Manifest] | None = None,
    **metadata: Any,
) -> Manifest:
    spec: Manifest = {"parentRefs": parents if parents is not None else [{"name": "edge"}]}
    if hosts:
        spec["hostnames"] = list(hosts)
    if rules:
        spec["rules"] = list(rules)
    return {
        "apiVersion": VERSION,
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": spec,
    }


def rule(*services: str | Manifest, matches: list[Manifest] | None = None, **rest: Any) -> Manifest:
    """A rule to SERVICES, each `NAME`, `NAME=WEIGHT` or a whole backendRef."""
    made: Manifest = {"backendRefs": [backend(one) if isinstance(one, str) else one for one in services], **rest}
    if matches is not None:
        made["matches"] = matches
    return made


def backend(text: str, **rest: Any) -> Manifest:
    """`NAME` or `NAME=WEIGHT`."""
    name, _, weight = text.partition("=")
    return {"name": name, "port": 80, **({"weight": int(weight)} if weight else {}), **rest}


def path(value: str, kind: str = "PathPrefix", **rest: Any) -> Manifest:
    """A match by path; REST: its other fields."""
    return {"path": {"type": kind, "value": value}, **rest}


def values(**wanted: str) -> list[Manifest]:
    """Matches of fields or query parameters; `_` stands for `-`."""
    return [{"name": name.replace("_", "-"), "value": value} for name, value in wanted.items()]


def grant(kind: str, origin: str, target: str, *, namespace: str, name: str = "", version: str = "v1beta1") -> Manifest:
    """In NAMESPACE, from objects of KIND in the namespace ORIGIN to those of the kind TARGET, or the one with NAME."""
    to = {"group": "", "kind": target} | ({"name": name} if name else {})
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "ReferenceGrant",
        "metadata": {"name": "grant", "namespace": namespace},
        "spec": {"from": [{"group": GROUP, "kind": kind, "namespace": origin}], "to": [to]},
    }


def grpc_route(
    *rules: Manifest,
    name: str = "calls",
    namespace: str = "demo",
    hosts: tuple[str, ...] = ("web.example",),
    parents: list[Manifest] | None = None,
) -> Manifest:
    made = route(*rules, name=name, namespace=namespace, hosts=hosts, parents=parents)
    return {**made, "kind": "GRPCRoute"}


def calls(service: str = "", method: str = "", kind: str = "Exact", **rest: Any) -> Manifest:
    """A match of a GRPCRoute."""
    asked = {"type": kind, **({"service": service} if service else {}), **({"method": method} if method else {})}
    return {"method": asked, **rest}


def listener_set(
    *listeners: Manifest,
    name: str = "more",
    namespace: str = "demo",
    parent: str = "edge",
    parent_namespace: str = "",
    **metadata: Any,
) -> Manifest:
    reference = {"name": parent, **({"namespace": parent_namespace} if parent_namespace else {})}
    return {
        "apiVersion": VERSION,
        "kind": "ListenerSet",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"parentRef": reference, "listeners": list(listeners) or [listener()]},
    }


def with_sets(made: Manifest, origin: str = "Same", **selector: str) -> Manifest:
    """The Gateway MADE, which takes ListenerSets from ORIGIN."""
    rules: Manifest = {"from": origin, **({"selector": {"matchLabels": selector}} if selector else {})}
    return {**made, "spec": {**made["spec"], "allowedListeners": {"namespaces": rules}}}


def backend_tls_policy(
    service: str,
    *,
    name: str = "tls",
    namespace: str = "demo",
    hostname: str = "inner.example",
    port: str = "",
    authorities: tuple[str | Manifest, ...] = ("authorities",),
    creationTimestamp: str = "",  # noqa: N803 - as in the object
    **validation: Any,
) -> Manifest:
    """For SERVICE, by the AUTHORITIES: names of ConfigMaps, or whole references."""
    target = {"group": "", "kind": "Service", "name": service, **({"sectionName": port} if port else {})}
    references = [
        {"group": "", "kind": "ConfigMap", "name": one} if isinstance(one, str) else one for one in authorities
    ]
    metadata = {"name": name, "namespace": namespace}
    if creationTimestamp:
        metadata["creationTimestamp"] = creationTimestamp
    return {
        "apiVersion": VERSION,
        "kind": "BackendTLSPolicy",
        "metadata": metadata,
        "spec": {
            "targetRefs": [target],
            "validation": {"caCertificateRefs": references, "hostname": hostname, **validation},
        },
    }
