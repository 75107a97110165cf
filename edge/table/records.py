"""The records of the routing table: what the control plane decides and the workers carry out.

Rules of this file:
- A record is complete in itself: a worker decodes one and knows all it needs about that host, service or certificate.
- A record holds decisions, not Kubernetes objects: whatever can be decided when the table is compiled is decided there.
- No record knows which API asked for it: an Ingress and an HTTPRoute are translated to the same ones.
- How records are encoded, and how they may change, is in `edge.table.record`.
"""

from __future__ import annotations

from enum import IntEnum

from edge.table.policies import AnyPolicy
from edge.table.record import Record


class PathKind(IntEnum):
    """How `Route.path` is compared with the path of a request (Kubernetes docs, Ingress, "Path types")."""

    EXACT = 0
    """The same, byte for byte."""
    PREFIX = 1
    """The same path elements, from the first on; a trailing slash of the route's path has no meaning."""
    STRING = 2
    """A plain string prefix (`ImplementationSpecific`)."""
    PATTERN = 3
    """A regular expression (`edge.table.patterns`) that matches from the start of the path, whatever its case."""


class Balance(IntEnum):
    """How a worker chooses among the endpoints of a service."""

    ROUND_ROBIN = 0
    LEAST_CONNECTIONS = 1
    """Power of two choices: of two endpoints picked at random, the one with fewer requests in flight."""


class Endpoint(Record, frozen=True):
    """One address of a service."""

    address: str
    """IPv4 or IPv6, without brackets."""
    port: int


class ServicePort(Record, frozen=True):
    """The endpoints of one port of one Service. Key: `service_key(namespace, name, port)`."""

    namespace: str
    name: str
    port: str
    """The port as the Ingress wrote it: its number in decimal, or its name."""
    endpoints: tuple[Endpoint, ...] = ()
    """Usable endpoints, sorted, without duplicates; none means that requests are answered 503."""
    balance: Balance = Balance.ROUND_ROBIN


class Protocol(IntEnum):
    """The protocol of an endpoint."""

    HTTP1 = 0
    """HTTP/1.1."""


class Transport(Record, frozen=True):
    """How an endpoint is spoken to. Idle connections serve requests with the same address and the same transport."""

    protocol: Protocol = Protocol.HTTP1


class Owner(Record, frozen=True):
    """The object that asked for a route. Counters, logs, Events and status go by it."""

    kind: str = ""
    """Such as Ingress or HTTPRoute; empty: the route comes from a flag."""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Backend(Record, frozen=True):
    """One of the Services that a route spreads its requests over."""

    namespace: str = ""
    service: str = ""
    """Name of the Service; with `namespace` and `port` a label of metrics and logs."""
    port: str = ""
    key: str = ""
    """Of the `ServicePort` record; empty: `status` is the answer."""
    status: int = 503
    """Answered when there is no `key`."""
    weight: int = 1
    """Share of the requests, of the sum over all backends of the route; 0: none."""
    policies: tuple[AnyPolicy, ...] = ()
    """Policies of requests that go to this backend, beside those of the route."""
    transport: Transport = Transport()
    canary: bool = False
    """While it has no endpoint, the first backend of the route takes its requests."""


class Condition(Record, frozen=True):
    """A field or query parameter that a request must have."""

    name: str
    """Of a field: in lower case."""
    value: str


class Conditions(Record, frozen=True):
    """Conditions beside host and path that a request must meet to match a route."""

    method: str = ""
    """Empty: any."""
    headers: tuple[Condition, ...] = ()
    query: tuple[Condition, ...] = ()
    scheme: str = ""
    """`http` or `https`, by the port that took the request and not by what a proxy in front says; empty: any."""


class Route(Record, frozen=True):
    """A route: the policies and backends of one path of a host."""

    kind: PathKind
    path: str
    """Normalised (see docs/architecture.md), always beginning with a slash; a pattern as it was written."""
    owner: Owner = Owner()
    backends: tuple[Backend, ...] = ()
    """None: a policy answers every request."""
    policies: tuple[AnyPolicy, ...] = ()
    """In any order: `edge.data.policies.ORDER` decides. At most one of a kind."""
    conditions: Conditions | None = None
    """Several routes may have the same kind and path: the first in `Host.routes` whose conditions are met is taken."""


class Host(Record, frozen=True):
    """Everything that is served under one host name. Key: `name`."""

    name: str
    """Lower case, without port or trailing dot; empty: any other host. `*.example.com` stands for one more label,
    `**.example.com` for one or more, `~` and a regular expression for all hosts in which it is found."""
    routes: tuple[Route, ...] = ()
    """Exact paths are tried first, then patterns in the order in which they stand here, then the longest path; order
    counts else among routes of the same kind and path only."""
    default: Route | None = None
    """For paths that match no route; None: `Globals.default`, else 404."""
    tls: bool = False
    """Whether a certificate is configured for this host."""


class Globals(Record, frozen=True):
    """Settings of all hosts. Key: `GLOBALS`."""

    default: Route | None = None
    """For requests that no host or path takes (`--default-backend-service`); None: 404."""


class HostPatterns(Record, frozen=True):
    """Names of Host records that are regular expressions. Key: `HOST_PATTERNS`."""

    names: tuple[str, ...] = ()
    """Each with its `~`; of several that match a host the first takes it, after exact names and wildcards."""


class Certificate(Record, frozen=True):
    """Key material of one Secret. Key: `certificate_key(namespace, name)`; the default certificate has key `c:`."""

    namespace: str
    name: str
    chain: bytes
    """PEM, leaf first."""
    key: bytes
    """PEM."""
    not_after: float = 0.0
    """Expiry of the leaf, Unix seconds."""
    serial: str = ""
    common_name: str = ""
    issuer: str = ""


class ServerName(Record, frozen=True):
    """Which certificate is shown for one TLS server name. Key: `server_name_key(host)`."""

    host: str
    certificate: str
    """Key of the `Certificate` record."""


class TicketKeys(Record, frozen=True):
    """Keys with which every worker seals TLS session tickets, newest first. Key: `TICKETS`."""

    keys: tuple[bytes, ...] = ()
    """Each 80 bytes, as SSL_CTX_set_tlsext_ticket_keys takes them."""
    rotated: float = 0.0
    """When the newest was made, Unix seconds."""


GLOBALS = "globals:"
"""Key of the `Globals` record, in the routes part; no host name has a colon."""
HOST_PATTERNS = "patterns:"
"""Key of the `HostPatterns` record, in the routes part."""
TICKETS = "t:"
"""Key of the `TicketKeys` record, in the tls part."""
DEFAULT_CERTIFICATE = "c:"
"""Key of the certificate that is shown when no `ServerName` matches, in the tls part."""


def service_key(namespace: str, name: str, port: str | int) -> str:
    """Key of a `ServicePort` record in the endpoints part."""
    return f"{namespace}/{name}:{port}"


def certificate_key(namespace: str, name: str) -> str:
    """Key of a `Certificate` record in the tls part."""
    return f"c:{namespace}/{name}"


def wildcard_of(host: str) -> str:
    """The wildcard that stands for HOST with one label more, such as `*.example.com`; empty: none does.

    The one rule for records of hosts and of server names alike (Kubernetes docs, Ingress, "Hostname wildcards").
    """
    label, _, domain = host.partition(".")
    return f"*.{domain}" if domain and label not in ("", "*") else ""


def server_name_key(host: str) -> str:
    """Key of a `ServerName` record in the tls part; HOST may be a wildcard."""
    return f"h:{host}"
