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

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.problems import Problem
    from edge.control.translate.annotations.canary import Rules
    from edge.table.policies import AnyPolicy
    from edge.table.records import Balance, Route

BY_CLUSTER_IP = "#cluster-ip"
"""Ends the key of a Service port that is reached by its own address."""

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


class ServiceUse(msgspec.Struct, frozen=True, gc=False):
    """A Service that a backend names."""

    key: str
    """Of the `ServicePort` record."""
    namespace: str
    name: str
    port: str
    field: str
    """Of the backend's Service."""
    algorithm: Balance | None = None
    by_cluster_ip: bool = False
    canary: bool = False
    """Without an endpoint another Service takes its requests."""


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


class HostPart(msgspec.Struct, frozen=True, gc=False):
    """What an object says about one host."""

    routes: tuple[RoutePart, ...] = ()
    default: RoutePart | None = None
    names: FurtherNames | None = None


class Translation(msgspec.Struct, frozen=True, gc=False):
    """What an object asks for."""

    order: Order
    hosts: dict[str, HostPart]
    default: RoutePart | None
    """For requests that nothing else takes."""
    uses: tuple[ServiceUse, ...]
    secrets: tuple[SecretUse, ...]
    problems: tuple[Problem, ...]
    references: tuple[ObjectId, ...] = ()
    """Secrets and ConfigMaps that annotations name; the object is translated again when one of them changes."""


NOTHING = Translation(("", "", ""), {}, None, (), (), ())
