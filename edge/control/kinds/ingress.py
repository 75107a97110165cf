"""Ingress and IngressClass, as typed structs; the rules are those of `edge.control.kinds.objects`.

Source: Kubernetes API reference, networking.k8s.io/v1.
"""

from __future__ import annotations

from typing import Final

from edge.control.kinds.load_balancers import LoadBalancerStatus
from edge.control.kinds.objects import Integer, Named, Struct

CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
"""Names the class of an Ingress where the field does not."""


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
