"""Kubernetes objects in the form of their JSON, as short as tests can have them."""

from __future__ import annotations

import base64
from typing import Any

Manifest = dict[str, Any]


def ingress(
    name: str = "web",
    *,
    namespace: str = "demo",
    host: str = "web.example",
    service: str = "web",
    port: int = 80,
    ingress_class: str | None = "edge",
    secret: str = "",
    **metadata: Any,
) -> Manifest:
    """An Ingress with one rule, and TLS when a SECRET is named."""
    backend = {"service": {"name": service, "port": {"number": port}}}
    spec: Manifest = {
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
    }
    if ingress_class is not None:
        spec["ingressClassName"] = ingress_class
    if secret:
        spec["tls"] = [{"hosts": [host], "secretName": secret}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": spec,
    }


def ingress_class(name: str = "edge", *, controller: str = "edge.ingress/controller") -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name},
        "spec": {"controller": controller},
    }


def service(
    name: str = "web", *, namespace: str = "demo", port: int = 80, target: int | str = 8080, **spec: Any
) -> Manifest:
    ports = [{"name": "http", "port": port, "targetPort": target, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ClusterIP", "clusterIP": "10.0.0.1", "ports": ports, **spec},
    }


def endpoints(
    service: str = "web",
    *addresses: str,
    namespace: str = "demo",
    port: int = 8080,
    ready: bool = True,
    suffix: str = "1",
) -> Manifest:
    """An EndpointSlice of SERVICE."""
    listed = [{"addresses": [address], "conditions": {"ready": ready}} for address in addresses]
    labels = {"kubernetes.io/service-name": service}
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": f"{service}-{suffix}", "namespace": namespace, "labels": labels},
        "endpoints": listed, "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    }  # fmt: skip


def secret(
    name: str = "tls", *, namespace: str = "demo", kind: str = "kubernetes.io/tls", **data: str | bytes
) -> Manifest:
    """A Secret; keys of DATA have `_` for `.`."""
    encoded = {
        key.replace("_", "."): base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        for key, value in data.items()
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": {"name": name, "namespace": namespace},
        "data": encoded,
    }


def namespace(name: str, **labels: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
        "status": {"phase": "Active"},
    }


def config_map(name: str, data: dict[str, str], *, namespace: str = "demo") -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}
