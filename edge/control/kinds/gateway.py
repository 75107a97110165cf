"""GatewayClass and Gateway of the Gateway API, as typed structs.

Rules of this file: those of `edge.control.kinds.objects`, and
- The defaults are those of the CRDs. A field that is null counts as absent (`edge.control.kinds.defaults.custom`).
- Of unsupported parts only what is needed to report them is declared.

Source: Gateway API v1.6, apis/v1.
"""

from __future__ import annotations

from typing import Final

import msgspec

from edge.control.kinds.objects import Integer, Named, Struct

GROUP: Final = "gateway.networking.k8s.io"
VERSION: Final = f"{GROUP}/v1"


class ParametersReference(Struct, frozen=True):
    """An object with settings of a controller (ParametersReference, LocalParametersReference)."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    """Of the object that a class names; a Gateway names one of its own namespace."""


class GatewayClassSpec(Struct, frozen=True):
    """Which controller serves the class."""

    controller_name: str = ""
    parameters_ref: ParametersReference | None = None


class GatewayClass(Named, frozen=True):
    """A class of Gateways."""

    kind = "GatewayClass"
    api_version = VERSION
    spec: GatewayClassSpec = GatewayClassSpec()


class SecretReference(Struct, frozen=True):
    """A Secret with a certificate (SecretObjectReference)."""

    name: str = ""
    namespace: str = ""
    """Empty: that of the Gateway."""
    group: str = ""
    kind: str = "Secret"


class ListenerTls(Struct, frozen=True):
    """TLS of a listener (GatewayTLSConfig)."""

    mode: str = "Terminate"
    certificate_refs: tuple[SecretReference, ...] = ()


class SelectorRequirement(Struct, frozen=True):
    """What the value of one label must be (LabelSelectorRequirement)."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(Struct, frozen=True):
    """The labels that an object must have, all of them."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    match_expressions: tuple[SelectorRequirement, ...] = ()


class RouteNamespaces(Struct, frozen=True):
    """From which namespaces routes may attach; `from` is a word of Python."""

    origin: str = msgspec.field(default="Same", name="from")
    selector: LabelSelector | None = None
    """Of `Selector`."""


class RouteKind(Struct, frozen=True):
    """A kind of route that may attach (RouteGroupKind)."""

    kind: str = ""
    group: str = GROUP


class AllowedRoutes(Struct, frozen=True):
    """Which routes may attach."""

    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: tuple[RouteKind, ...] = ()
    """None: those that fit the protocol."""


class Listener(Struct, frozen=True):
    """A host name, port and protocol at which a Gateway takes requests."""

    name: str = ""
    hostname: str = ""
    """Empty: any."""
    port: Integer = 0
    protocol: str = ""
    tls: ListenerTls | None = None
    allowed_routes: AllowedRoutes = AllowedRoutes()


class ListenerNamespaces(RouteNamespaces, frozen=True):
    """From which namespaces ListenerSets may attach: by default from none."""

    origin: str = msgspec.field(default="None", name="from")


class AllowedListeners(Struct, frozen=True):
    """Which ListenerSets may attach."""

    namespaces: ListenerNamespaces = ListenerNamespaces()


class Address(Struct, frozen=True):
    """An address that is asked for, or that was assigned (GatewaySpecAddress, GatewayStatusAddress)."""

    type: str = "IPAddress"
    value: str = ""
    """Empty: any address of that type."""


class Infrastructure(Struct, frozen=True):
    """Settings for the objects that are made for a Gateway (GatewayInfrastructure)."""

    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    parameters_ref: ParametersReference | None = None


class AuthorityReference(Struct, frozen=True):
    """An object with certificates of authorities (ObjectReference, LocalObjectReference)."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    """Empty: that of the object that refers to it."""


class FrontendValidation(Struct, frozen=True):
    """How certificates of clients are verified (FrontendTLSValidation)."""

    ca_certificate_refs: tuple[AuthorityReference, ...] = ()
    mode: str = "AllowValidOnly"


class FrontendTls(Struct, frozen=True):
    """TLS of clients (TLSConfig)."""

    validation: FrontendValidation | None = None


class PortTls(Struct, frozen=True):
    """The same for the listeners of one port (TLSPortConfig)."""

    port: Integer = 0
    tls: FrontendTls = FrontendTls()


class GatewayFrontend(Struct, frozen=True):
    """TLS of clients, for all listeners (FrontendTLSConfig)."""

    default: FrontendTls = FrontendTls()
    per_port: tuple[PortTls, ...] = ()


class GatewayBackend(Struct, frozen=True):
    """TLS to endpoints (GatewayBackendTLS)."""

    client_certificate_ref: SecretReference | None = None


class GatewayTls(Struct, frozen=True):
    """TLS on both sides (GatewayTLSConfig)."""

    backend: GatewayBackend | None = None
    frontend: GatewayFrontend | None = None


class GatewaySpec(Struct, frozen=True):
    """What a Gateway asks for."""

    gateway_class_name: str = ""
    listeners: tuple[Listener, ...] = ()
    addresses: tuple[Address, ...] = ()
    allowed_listeners: AllowedListeners = AllowedListeners()
    infrastructure: Infrastructure | None = None
    tls: GatewayTls | None = None


class GatewayStatus(Struct, frozen=True):
    """The addresses that a Gateway had when it was first read: it keeps them."""

    addresses: tuple[Address, ...] = ()


class Gateway(Named, frozen=True):
    """Listeners that routes attach to."""

    kind = "Gateway"
    api_version = VERSION
    spec: GatewaySpec = GatewaySpec()
    status: GatewayStatus | None = None
