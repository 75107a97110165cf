"""The records of the routing table: what the control plane says and the workers obey.

Rules of this file:
- A record is complete in itself: a worker decodes one and knows all it needs about that host, service or certificate.
- A record holds decisions, not Kubernetes objects: whatever can be decided when the table is compiled is decided there.
- Records are frozen and carry plain values only, so that `edge.table.codec` can turn them into msgpack and back.
- Fields are encoded by position: append new ones with a default, never reorder, and raise
  `edge.table.layout.VERSION` when the meaning of one changes. A reader of an earlier release refuses a record with a
  field that it does not know, for it may be one that keeps requests out.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec


class PathKind(IntEnum):
    """How `Route.path` is compared with the path of a request (Kubernetes docs, Ingress, "Path types")."""

    EXACT = 0
    """The same, byte for byte."""
    PREFIX = 1
    """The same path elements, from the first on; a trailing slash of the route's path has no meaning."""
    STRING = 2
    """A plain string prefix (`ImplementationSpecific`)."""


class Balance(IntEnum):
    """How a worker chooses among the endpoints of a service."""

    ROUND_ROBIN = 0
    LEAST_CONNECTIONS = 1
    """Power of two choices: of two endpoints picked at random, the one with fewer requests in flight."""


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Base of all records. They hold no cycles, so the collector need not look at them."""


class Endpoint(Record, frozen=True):
    """One address of a service."""

    address: str
    """IPv4 or IPv6, without brackets."""
    port: int


class Service(Record, frozen=True):
    """Where the requests of one port of one Service go. Key: `service_key(namespace, name, port)`."""

    namespace: str
    name: str
    port: str
    """The port as the Ingress wrote it: its number in decimal, or its name."""
    endpoints: tuple[Endpoint, ...] = ()
    """Usable endpoints, sorted, without duplicates; none means that requests are answered 503."""
    balance: Balance = Balance.ROUND_ROBIN


class Timeouts(Record, frozen=True):
    """Seconds of silence tolerated in each phase of an exchange with an endpoint."""

    connect: float = 5.0
    send: float = 60.0
    read: float = 60.0


class Retry(Record, frozen=True):
    """When another endpoint may be tried (only before any byte of a response has been passed on)."""

    tries: int = 3
    """Attempts in all, the first one included; 0 means as many as there are endpoints."""
    timeout: float = 0.0
    """Seconds within which a new attempt may start; 0 means no limit."""
    non_idempotent: bool = False
    """Whether a request that may have been processed is repeated although its method is not idempotent."""
    on_error: bool = True
    """After a connection that could not be made, or that broke before the answer."""
    on_timeout: bool = True
    """After an endpoint that was silent for too long."""
    on_invalid: bool = False
    """After an answer that is no HTTP."""
    on_statuses: tuple[int, ...] = ()
    """After an answer with one of these statuses."""


class Route(Record, frozen=True):
    """What is done with the requests for one path of a host."""

    kind: PathKind
    path: str
    """Normalised (see docs/architecture.md), always beginning with a slash."""
    namespace: str
    """Of the Ingress; with `ingress`, `service_name`, `service_port`: labels of metrics and logs."""
    ingress: str
    service_name: str = ""
    service_port: str = ""
    service: str = ""
    """Key of the `Service` record; empty: `status` is the answer."""
    status: int = 503
    """Answered when there is no `service`: 503 for a missing one, 404 for a backend that is not supported."""
    https_redirect: int = 0
    """Status with which plain http requests are sent to https (308); 0: they are served."""
    hsts: str = ""
    """Value of Strict-Transport-Security on https responses; empty: none."""
    preserve_trailing_slash: bool = False
    """Whether a redirect keeps the trailing slash of the path."""
    access_log: bool = True
    body_limit: int = 0
    """Largest request body in bytes (413 above it); 0: no limit."""
    timeouts: Timeouts = Timeouts()
    retry: Retry = Retry()


class Host(Record, frozen=True):
    """Everything that is served under one host name. Key: `name`."""

    name: str
    """Lower case, without port or trailing dot; `*.example.com` for a wildcard; empty: any other host."""
    routes: tuple[Route, ...] = ()
    """At most one per (kind, path). Order has no meaning: the reader matches exact paths first, then the longest."""
    default: Route | None = None
    """For paths that match no route (`spec.defaultBackend`); None: `Settings.default`, else 404."""
    tls: bool = False
    """Whether a certificate is configured for this host."""


class Settings(Record, frozen=True):
    """What holds for the whole process. Key: `SETTINGS`."""

    default: Route | None = None
    """For requests that no host or path takes (`--default-backend-service`); None: 404."""


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


SETTINGS = "settings:"
"""Key of the `Settings` record, in the routes part; no host name has a colon."""
TICKETS = "t:"
"""Key of the `TicketKeys` record, in the tls part."""
DEFAULT_CERTIFICATE = "c:"
"""Key of the certificate that is shown when no `ServerName` matches, in the tls part."""


def service_key(namespace: str, name: str, port: str | int) -> str:
    """Key of a `Service` record in the endpoints part."""
    return f"{namespace}/{name}:{port}"


def certificate_key(namespace: str, name: str) -> str:
    """Key of a `Certificate` record in the tls part."""
    return f"c:{namespace}/{name}"


def wildcard_of(host: str) -> str:
    """The wildcard that stands for HOST, with `*` for its first label; empty: none does.

    The one rule for records of hosts and of server names alike (Kubernetes docs, Ingress, "Hostname wildcards").
    """
    label, _, domain = host.partition(".")
    return f"*.{domain}" if domain and label not in ("", "*") else ""


def server_name_key(host: str) -> str:
    """Key of a `ServerName` record in the tls part; HOST may be a wildcard."""
    return f"h:{host}"
