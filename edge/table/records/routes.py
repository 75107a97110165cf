"""Routes: conditions, policies and backends."""

from __future__ import annotations

from enum import IntEnum

from edge.table.policies import AnyPolicy
from edge.table.record import Record
from edge.table.records.transports import Transport


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


class Owner(Record, frozen=True):
    """The object that asks for a route; used in counters, logs, Events and status."""

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
    """A Service that gets copies of requests; its answers are ignored."""

    backend: Backend
    """Only its `key` and `transport` are used."""
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
    """`http` or `https`, by the port of the request and not by fields of a proxy in front; empty: any."""


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
