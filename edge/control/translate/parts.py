"""What one object asks for, whatever its API: routes under hosts, Services, certificates.

Rules of this file:
- Every API's processor (`ingress`, `gateway`) translates its objects to a `Translation`, each object for itself.
  Whether a Service or a Secret exists, who wins a path, and whether a host has TLS is decided where the parts are put
  together (`edge.control.compiling`).
- A part keeps the field that it comes from, for problems found later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edge.control.kinds.services import TCP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.problems import Problem
    from edge.control.translate.annotations.canary import Rules
    from edge.control.translate.gateway.facts import (
        ClassFacts,
        GatewayFacts,
        ListenerSetFacts,
        PolicyFacts,
        RouteFacts,
    )
    from edge.table.policies import AnyPolicy, ClientCertificate, Closed, ServerSnippet
    from edge.table.records import Balance, Listening, Route, Tls, TlsMaterial, TlsOptions
    from edge.table.streams import StreamRoute

BY_CLUSTER_IP = "#cluster-ip"
"""Ends the key of a Service port that is reached by its own address."""
BY_UDP = "#udp"
"""Ends the key of a Service port that takes datagrams."""

Order = tuple[str, str, str]
"""Creation time, namespace, name: the smaller one wins a conflict."""


class RoutePart(msgspec.Struct, frozen=True, gc=False):
    """A route before it is known whether its host has TLS."""

    route: Route
    with_tls: tuple[AnyPolicy, ...]
    """Further policies where the host has TLS."""
    field: str
    text: str = ""
    """The path as it was written: where a host's paths are regular expressions, it is one."""
    regex: bool = False
    """Whether this route makes the paths of its host regular expressions."""
    canary: Rules | None = None
    """The part adds its backend to that of another Ingress with the same path."""
    implied: bool = False
    """No object has its path: it counts where no other route has that."""
    port_tls: Tls | None = None
    """The terms of TLS to endpoints whose port asks for it (`appProtocol`), which then decides how they are spoken to;
    None: it does not."""


class ServiceUse(msgspec.Struct, frozen=True, gc=False):
    """A Service that a backend names."""

    key: str
    """Of the `ServicePort` record."""
    namespace: str
    name: str
    port: str
    """Empty: the first one."""
    field: str
    """Of the backend's Service."""
    algorithm: Balance | None = None
    by_cluster_ip: bool = False
    canary: bool = False
    """Without an endpoint another Service takes its requests."""
    instead: str = ""
    """What happens without its endpoints, where `field` names no backend's Service; empty: requests are answered
    503."""
    protocol: str = TCP
    stand_in: bool = False
    """The annotation `default-backend` names a Service that answers without an endpoint."""


class RemoteUse(msgspec.Struct, frozen=True, gc=False):
    """A host that a URL names (`edge.table.remotes`)."""

    key: str
    """Of its `ServicePort` record."""
    field: str
    """Of the URL."""


class SecretUse(msgspec.Struct, frozen=True, gc=False):
    """A Secret with a certificate for HOST."""

    host: str
    """Name of a record: lower case, maybe a wildcard; empty: whatever names the certificate has."""
    namespace: str
    """Of the Secret."""
    secret: str
    """Its name; empty: the default certificate is meant."""
    secret_field: str
    """Where the Secret is named."""
    host_field: str
    """Where the host is named."""
    implied: bool = False
    """The host is not listed, but its rule stands in the same Ingress; the certificate may happen to cover it."""
    has_rule: bool = True


class FurtherNames(msgspec.Struct, frozen=True, gc=False):
    """Names beside that of a host (ingress-nginx, server-alias and from-to-www-redirect)."""

    aliases: tuple[str, ...] = ()
    """Names of records: the host answers for them, too."""
    www: bool = False
    """The name with `www.`, or without where the host has it, is redirected to the host."""
    status: int = 308
    """Of that redirect."""


class ClientTrust(msgspec.Struct, frozen=True, gc=False):
    """Which certificates of clients a host trusts, and what it makes of them."""

    policy: ClientCertificate
    options: TlsOptions
    """Its part about certificates."""


class HostOptions(msgspec.Struct, frozen=True, gc=False):
    """What an object asks for on behalf of a whole host."""

    clients: ClientTrust | Closed | None = None
    """`Closed`: the CA for client certificates cannot be read, so all clients are refused."""
    ciphers: str = ""
    server_order: bool | None = None
    snippet: ServerSnippet | Closed | None = None
    """`Closed`: part of it is not applied, which may be what guards the host."""


class HostPart(msgspec.Struct, frozen=True, gc=False):
    """What an object says about one host."""

    routes: tuple[RoutePart, ...] = ()
    default: RoutePart | None = None
    unmatched: RoutePart | None = None
    """Takes what no path does where no object has a default: there the policies of the host's oldest object hold."""
    names: FurtherNames | None = None
    options: HostOptions | None = None
    listener: str = ""
    """As `Host.listener`; `wider` likewise."""
    wider: bool = False
    tls: bool = False
    """Whether all requests for the host come by TLS."""


class StreamPart(msgspec.Struct, frozen=True, gc=False):
    """A stream, and the field that asks for it."""

    stream: StreamRoute
    field: str


class Translation(msgspec.Struct, frozen=True, gc=False):
    """What an object asks for."""

    order: Order
    hosts: dict[str, HostPart]
    """By key of the record."""
    default: RoutePart | None
    """For requests that nothing else takes."""
    uses: tuple[ServiceUse, ...]
    secrets: tuple[SecretUse, ...]
    problems: tuple[Problem, ...]
    references: tuple[ObjectId, ...] = ()
    """Secrets and ConfigMaps that annotations name; the object is translated again when one of them changes."""
    remotes: tuple[RemoteUse, ...] = ()
    materials: tuple[TlsMaterial, ...] = ()
    """Those that transports of its backends name."""
    facts: ClassFacts | GatewayFacts | ListenerSetFacts | RouteFacts | PolicyFacts | None = None
    """For the status of objects of the Gateway API that are ours."""
    sockets: tuple[Listening, ...] = ()
    """To listen on, beside Edge's own."""
    tls_options: Mapping[str, TlsOptions] = {}
    """Of listeners, by scope and host name."""
    streams: Mapping[str, StreamPart] = {}
    """By key of the record (`edge.table.streams`)."""
    refused: bool = False
    """The operator does not allow it, so it asks for nothing."""


NOTHING = Translation(("", "", ""), {}, None, (), (), ())
