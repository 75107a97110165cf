"""The records of the routing table: what the control plane decides and the workers carry out.

Rules of this file:
- A record is complete in itself: a worker decodes one and knows all it needs about that host, service or certificate.
- A record holds decisions, not Kubernetes objects: whatever can be decided when the table is compiled is decided there.
- No record knows which API asked for it: an Ingress and an HTTPRoute are translated to the same ones.
- How records are encoded, and how they may change, is in `edge.table.record`.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from typing import TYPE_CHECKING

from edge.table.policies import AnyPolicy
from edge.table.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    REGEX = 4
    """A regular expression that matches the whole path; case counts."""


class Balance(IntEnum):
    """How a worker chooses among the endpoints of a service."""

    ROUND_ROBIN = 0
    LEAST_CONNECTIONS = 1
    """Power of two choices: of two endpoints picked at random, the one with fewer requests in flight."""
    EWMA = 2
    """Of two endpoints picked at random, the one that has answered faster of late, by its requests in flight."""


class Endpoint(Record, frozen=True):
    """One address of a service."""

    address: str
    """IPv4 or IPv6, without brackets."""
    port: int


class ServicePort(Record, frozen=True):
    """The endpoints of one port of one Service. Key: `service_key(namespace, name, port)`.

    Or of a host that a URL names: then `namespace` is empty. Key: `edge.table.remotes.remote_key(host, port)`.
    """

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
    HTTP2 = 1
    """HTTP/2 (RFC 9113), in the clear with prior knowledge, with TLS by ALPN. Whatever the client speaks: gRPC needs no
    more than that."""
    FASTCGI = 2
    """FastCGI 1.0, as a responder. The parameters are those of the policy `FastCgi`."""


TLS_1_2 = 0x0303
TLS_1_3 = 0x0304
"""Versions of TLS, as its messages have them (RFC 8446, section 4.2.1)."""


class Tls(Record, frozen=True):
    """The terms of TLS to an endpoint."""

    server_name: str = ""
    """Sent to the endpoint (RFC 6066, section 3); empty: none is."""
    verify: bool = False
    """Whether the endpoint's certificate must be valid: signed by one of the authorities, in date, for a name below."""
    names: tuple[str, ...] = ()
    """Host names, one of which a verified certificate must be for (RFC 9525); none: any is good."""
    uris: tuple[str, ...] = ()
    """URIs such as SPIFFE IDs, one of which is as good as one of `names`."""
    depth: int = 100
    """Most certificates between the endpoint's and the authority's (SSL_CTX_set_verify_depth(3))."""
    least: int = TLS_1_2
    most: int = TLS_1_3
    """Versions of TLS, both included."""
    ciphers: str = ""
    """Of TLS 1.2, in OpenSSL's form; empty: OpenSSL's default."""
    material: str = ""
    """Key of the `TlsMaterial` record; empty: no certificate is shown, and the system's authorities are trusted."""


class Transport(Record, frozen=True):
    """How an endpoint is spoken to. Idle connections serve requests with the same address and the same transport."""

    protocol: Protocol = Protocol.HTTP1
    tls: Tls | None = None
    """None: in the clear."""


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
    secure_transport: Transport | None = None
    """For requests that came by TLS; None: the same."""


class RouteMirror(Record, frozen=True):
    """A Service that gets copies of requests; what it answers is ignored."""

    backend: Backend
    """Of it `key` and `transport` count."""
    numerator: int = 1
    denominator: int = 1
    """With `numerator` the share of the requests that are copied, chosen at random."""


class Condition(Record, frozen=True):
    """A field or query parameter that a request must have."""

    name: str
    """Of a field: in lower case."""
    value: str
    regex: bool = False
    """Whether `value` is a regular expression that matches the whole value; case counts."""


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
    mirrors: tuple[RouteMirror, ...] = ()
    """Get copies of the requests, as the endpoint gets these."""


class Host(Record, frozen=True):
    """Everything that is served under one host name. Key: `scoped(scope, name)`."""

    name: str
    """Lower case, without port or trailing dot; empty: any other host. `*.example.com` stands for one more label,
    `**.example.com` for one or more, `~` and a regular expression for all hosts in which it is found."""
    routes: tuple[Route, ...] = ()
    """Exact paths are tried first, then regular expressions in the order in which they stand here, then the longest
    path; order counts else among routes of the same kind and path only."""
    default: Route | None = None
    """For paths that match no route; None: `Globals.default`, else 404."""
    tls: bool = False
    """Whether a certificate is configured for this host."""
    tls_options: bool = False
    """Whether there is a `TlsOptions` record for it."""
    scope: str = ""
    """Of the listeners that take its requests (`Listening`); empty: Edge's own addresses."""
    listener: str = ""
    """With a scope: the host name of the listener that these routes are attached to, written as `name`."""
    wider: bool = False
    """Whether a request that no route takes goes on to the routes of the next wider host, if that allows it too."""


class Wire(IntEnum):
    """What comes to a listening socket."""

    HTTP = 0
    """HTTP, or TLS with HTTP or a stream in it."""
    TCP = 1
    """Connections that are relayed (`edge.table.streams`)."""
    UDP = 2
    """Datagrams that are relayed."""


class Listening(Record, frozen=True):
    """A socket to listen on, beside those of `--http` and `--https`."""

    address: str
    """IPv4 or IPv6, without brackets."""
    port: int
    scope: str
    """The requests that come here are for the hosts of this scope: a Gateway and a port. What is relayed belongs to
    the `StreamRoute` of this scope."""
    tls: bool = False
    wire: Wire = Wire.HTTP


class Listeners(Record, frozen=True):
    """All sockets to listen on beside those of `--http` and `--https`. Key: `LISTENERS`."""

    sockets: tuple[Listening, ...] = ()


class Globals(Record, frozen=True):
    """Settings of all hosts. Key: `GLOBALS`."""

    default: Route | None = None
    """For requests that no host or path takes (`--default-backend-service`); None: 404."""


class SharedPolicies(Record, frozen=True):
    """Policies of all routes, whoever asked for them; they act before the routes' own. Key: `SHARED_POLICIES`."""

    policies: tuple[AnyPolicy, ...] = ()
    """At most one of a kind."""


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


class TlsMaterial(Record, frozen=True):
    """What connections to endpoints verify certificates by, and what they show. Key: `material_key(...)` of its fields.

    Another content has another key, so that a connection made by one is never used by another.
    """

    authorities: bytes = b""
    """Certificates of those that are trusted, PEM; empty: the system's."""
    chain: bytes = b""
    """The client certificate, leaf first, PEM; empty: none is shown."""
    key: bytes = b""
    """PEM."""


class ServerName(Record, frozen=True):
    """Which certificate is shown for one TLS server name. Key: `server_name_key(scoped(scope, host))`."""

    host: str
    certificate: str
    """Key of the `Certificate` record."""
    scope: str = ""
    """As `Host.scope`; with one, `host` is the host name of the listener."""


class TlsOptions(Record, frozen=True):
    """What handshakes of one host have of their own. Key: `tls_options_key(name)`, by the name of its `Host` record, or
    by the scope and the host name of a listener."""

    trust: str = ""
    """Names what clients' certificates are verified by; the policy of the host's routes compares it. Empty: clients
    are not asked for a certificate."""
    authorities: bytes = b""
    """PEM: the certificates of authorities that are trusted."""
    revoked: bytes = b""
    """PEM: lists of revoked certificates; empty: none is looked for."""
    depth: int = 1
    """Certificates that may stand between that of a client and that of an authority."""
    ciphers: str = ""
    """Of TLS 1.2, as ciphers(1) writes them; empty: those of all hosts."""
    server_order: bool = True
    """Whether the order of ciphers is that of the server."""
    required: bool = False
    """Whether the handshake fails without a certificate that verifies; else the policy of the routes decides."""


class TicketKeys(Record, frozen=True):
    """Keys with which every worker seals TLS session tickets, newest first. Key: `TICKETS`."""

    keys: tuple[bytes, ...] = ()
    """Each 80 bytes, as SSL_CTX_set_tlsext_ticket_keys takes them."""
    rotated: float = 0.0
    """When the newest was made, Unix seconds."""


GLOBALS = "globals:"
"""Key of the `Globals` record, in the routes part; no host name has a colon."""
SHARED_POLICIES = "policies:"
"""Key of the `SharedPolicies` record, in the routes part."""
LISTENERS = "listeners:"
"""Key of the `Listeners` record, in the routes part."""
HOST_PATTERNS = "patterns:"
"""Key of the `HostPatterns` record, in the routes part."""
TICKETS = "t:"
"""Key of the `TicketKeys` record, in the tls part."""
MATERIAL = "m:"
"""Begins the key of a `TlsMaterial` record, in the tls part."""
TLS_OPTIONS = "o:"
"""Begins the keys of `TlsOptions` records."""
DEFAULT_CERTIFICATE = "c:"
"""Key of the certificate that is shown when no `ServerName` matches, in the tls part."""


def service_key(namespace: str, name: str, port: str | int) -> str:
    """Key of a `ServicePort` record in the endpoints part."""
    return f"{namespace}/{name}:{port}"


def upstream_name(namespace: str, service: str, port: str) -> str:
    """The name of a Service's port in logs, metrics and cookies, as ingress-nginx writes it."""
    return f"{namespace}-{service}-{port}"


def certificate_key(namespace: str, name: str) -> str:
    """Key of a `Certificate` record in the tls part."""
    return f"c:{namespace}/{name}"


def material_key(authorities: bytes, chain: bytes, key: bytes) -> str:
    """Key of a `TlsMaterial` record in the tls part."""
    digest = hashlib.blake2b(digest_size=16)
    for field in (authorities, chain, key):
        digest.update(len(field).to_bytes(8, "big") + field)
    return f"{MATERIAL}{digest.hexdigest()}"


def scoped(scope: str, host: str) -> str:
    """The key of HOST in SCOPE; without a scope it is the host itself."""
    return f"{scope}|{host}" if scope else host


def is_scoped(key: str) -> bool:
    """Whether a KEY that `scoped` has made has a scope."""
    return "|" in key


def host_of(key: str) -> str:
    """The host in a KEY that `scoped` has made."""
    return key.rpartition("|")[2]


def hosts_over(name: str) -> Iterator[str]:
    """The names of records that may take requests for the host NAME, the most specific first."""
    yield name
    wildcard = wildcard_of(name)
    if wildcard:
        yield wildcard
    domain = name
    while wildcard and (domain := domain.partition(".")[2]):
        yield f"**.{domain}"
    if name:
        yield ""


def wildcard_of(host: str) -> str:
    """The wildcard that stands for HOST with one label more, such as `*.example.com`; empty: none does.

    The one rule for records of hosts and of server names alike (Kubernetes docs, Ingress, "Hostname wildcards").
    """
    label, _, domain = host.partition(".")
    return f"*.{domain}" if domain and label not in ("", "*") else ""


def tls_options_key(name: str) -> str:
    """Key of a `TlsOptions` record in the tls part; NAME is that of the `Host` record."""
    return f"{TLS_OPTIONS}{name}"


def server_name_key(host: str) -> str:
    """Key of a `ServerName` record in the tls part; HOST may be a wildcard."""
    return f"h:{host}"
