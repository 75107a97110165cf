"""What one Ingress asks for, taken for itself: routes under hosts, services, certificates.

Rules of this file:
- Nothing here knows another object, so an Ingress is translated again only when it changes itself. Whether a Service
  or a Secret exists, who wins a path, and whether a host has TLS is decided where the parts are put together.
- A part keeps the field that it comes from, for problems found later.
- Text that many Ingresses have in common is interned: fields, paths, ports, keys.

Source: Kubernetes API reference, Ingress v1; "Ingress" in the Kubernetes docs.
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.annotations import policies
from edge.table import describing
from edge.table.paths import normalise
from edge.table.records import Balance, PathKind, Route, service_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.objects import HTTPIngressPath, Ingress, IngressBackend, IngressRule
    from edge.control.translate.annotations.policies import Policies

ACME: Final = "/.well-known/acme-challenge"
"""Paths that are never redirected to https: the certificate may be what is being asked for (RFC 8555, 8.3)."""
KINDS: Final = {name: kind for kind, name in describing.KINDS.items()}
BY_CLUSTER_IP: Final = "#cluster-ip"
"""Ends the key of a service that is reached by its own address."""


class Redirect(Enum):
    """When http is sent to https."""

    NEVER = 0
    WITH_TLS = 1
    """On hosts that have TLS."""
    ALWAYS = 2


class RoutePart(msgspec.Struct, frozen=True, gc=False):
    """A route before it is known whether its host has TLS."""

    route: Route
    redirect: Redirect
    field: str


class Use(msgspec.Struct, frozen=True, gc=False):
    """A Service that a backend names."""

    key: str
    """Of the `Service` record."""
    namespace: str
    name: str
    port: str
    field: str
    """Of the backend's `service`."""
    algorithm: Balance | None = None
    by_cluster_ip: bool = False


class SecretUse(msgspec.Struct, frozen=True, gc=False):
    """A Secret with a certificate for HOST."""

    host: str
    """Name of a record: lower case, maybe a wildcard; empty: whatever names the certificate has."""
    secret: str
    """Empty: the default certificate is meant."""
    field: str
    implied: bool = False
    """The host is not listed, but its rule stands in the same Ingress; the certificate may happen to cover it."""
    has_rule: bool = True


class HostPart(msgspec.Struct, frozen=True, gc=False):
    """What an Ingress says about one host."""

    routes: tuple[RoutePart, ...] = ()
    default: RoutePart | None = None


class Translation(msgspec.Struct, frozen=True, gc=False):
    """What an Ingress asks for."""

    order: tuple[str, str, str]
    """The smaller one wins a conflict: creation time, namespace, name."""
    hosts: dict[str, HostPart]
    default: RoutePart | None
    """For requests that nothing else takes: the backend of an Ingress without rules."""
    uses: tuple[Use, ...]
    secrets: tuple[SecretUse, ...]
    problems: tuple[Problem, ...]


def translate(ingress: Ingress, *, ssl_redirect: bool) -> Translation:
    """What INGRESS asks for; SSL_REDIRECT is the setting of that name."""
    return _Translator(ingress, ssl_redirect=ssl_redirect).result()


def host_name(host: str | None) -> str:
    """HOST of a rule as name of a record."""
    return (host or "").lower().removesuffix(".")


class _Translator:
    def __init__(self, ingress: Ingress, *, ssl_redirect: bool) -> None:
        self._ingress = ingress
        self._metadata = ingress.metadata
        self._policies, found = policies.read(ingress.annotations)
        self._problems: list[Problem] = list(found)
        self._uses: list[Use] = []
        self._model = _model(ingress, self._policies)
        self._redirect = _redirect(self._policies, ssl_redirect=ssl_redirect)

    def result(self) -> Translation:
        spec, metadata = self._ingress.spec, self._metadata
        default = None
        if spec.default_backend is not None:
            default = self._part(PathKind.PREFIX, "/", spec.default_backend, "spec.defaultBackend")
        routes: dict[str, list[RoutePart]] = {}
        for number, rule in enumerate(spec.rules or ()):
            name, field = host_name(rule.host), f"spec.rules[{number}]"
            if name != (rule.host or ""):
                message = f'"{rule.host}" is taken as "{name}"; an API server takes the latter only'
                self._problems.append(warning("HostSpelling", f"{field}.host", message))
            routes.setdefault(name, []).extend(self._rule(rule, field))
        hosts = {name: HostPart(tuple(parts), default) for name, parts in routes.items()}
        return Translation(
            order=(metadata.creation_timestamp or "", metadata.namespace, metadata.name),
            hosts=hosts,
            default=default if not hosts else None,
            uses=tuple(self._uses),
            secrets=tuple(_secrets(self._ingress, hosts)),
            problems=tuple(self._problems),
        )

    def _rule(self, rule: IngressRule, field: str) -> Iterator[RoutePart]:
        for number, path in enumerate((rule.http.paths if rule.http is not None else None) or ()):
            yield self._path(path, f"{field}.http.paths[{number}]")

    def _path(self, path: HTTPIngressPath, field: str) -> RoutePart:
        kind = KINDS.get(path.path_type or "Prefix", PathKind.STRING)  # admission sees to it that there is one
        text = normalise(path.path or "/")
        if kind is PathKind.PREFIX and text != "/":
            text = text.removesuffix("/")
        return self._part(kind, sys.intern(text), path.backend, f"{field}.backend")

    def _part(self, kind: PathKind, path: str, backend: IngressBackend, field: str) -> RoutePart:
        name = port = key = ""
        status = 503
        if backend.service is not None:
            name, port = backend.service.name, sys.intern(str(backend.service.port))
            key = self._use(name, port, f"{field}.service")
        else:
            status = 404
            message = "resource backends are not supported; requests are answered 404"
            self._problems.append(error("UnsupportedBackend", f"{field}.resource", message))
        route = replace(
            self._model, kind=kind, path=path, service_name=name, service_port=port, service=key, status=status
        )
        redirect = Redirect.NEVER if path.startswith(ACME) else self._redirect
        return RoutePart(route, redirect, sys.intern(field.removesuffix(".backend")))

    def _use(self, name: str, port: str, field: str) -> str:
        asked, namespace = self._policies.balancing, self._metadata.namespace
        key = service_key(namespace, name, port)
        if asked.by_cluster_ip:
            key += BY_CLUSTER_IP
        key, field = sys.intern(key), sys.intern(field)
        self._uses.append(Use(key, namespace, name, port, field, asked.algorithm, asked.by_cluster_ip))
        return key


def _model(ingress: Ingress, asked: Policies) -> Route:
    """A route with all that the Ingress's routes have in common."""
    return Route(
        kind=PathKind.PREFIX,
        path="/",
        namespace=ingress.metadata.namespace,
        ingress=ingress.metadata.name,
        preserve_trailing_slash=asked.redirects.preserve_trailing_slash,
        access_log=asked.logging.access,
        body_limit=asked.exchanges.body_limit,
        timeouts=asked.exchanges.timeouts,
        retry=asked.exchanges.retry,
    )


def _redirect(asked: Policies, *, ssl_redirect: bool) -> Redirect:
    if asked.redirects.always:
        return Redirect.ALWAYS
    wanted = asked.redirects.with_tls
    return Redirect.WITH_TLS if (ssl_redirect if wanted is None else wanted) else Redirect.NEVER


def _secrets(ingress: Ingress, hosts: dict[str, HostPart]) -> Iterator[SecretUse]:
    listed: set[str] = set()
    entries = list(enumerate(ingress.spec.tls or ()))
    for number, entry in entries:
        field = f"spec.tls[{number}]"
        # Without hosts the entry means the hosts of the rules, and without rules any host.
        names = [host_name(host) for host in entry.hosts or ()] or list(hosts) or [""]
        for name in names:
            if name not in listed:
                listed.add(name)
                yield SecretUse(name, entry.secret_name or "", field, has_rule=name in hosts)
    for number, entry in entries:
        if entry.secret_name:
            for name in [name for name in hosts if name and name not in listed]:
                yield SecretUse(name, entry.secret_name, f"spec.tls[{number}]", implied=True)
