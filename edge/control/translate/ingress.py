"""Translates a single Ingress: routes under hosts, Services, certificates.

Rules of this file:
- No other object is read, so an Ingress is translated again only when it changes itself.
- Text that many Ingresses have in common is interned: fields, paths, ports, keys.
- As in nginx, a path that ends in a slash redirects (301) requests that lack it, before anything else is asked of them.
  An `Exact` path does not: by the Kubernetes API it takes itself alone.

Source: Kubernetes API reference, Ingress v1; "Ingress" in the Kubernetes docs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.kinds.names import host_name
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate import passthrough, remotes
from edge.control.translate.annotations import client_certificate
from edge.control.translate.annotations.policies import one_closed
from edge.control.translate.annotations.values import field
from edge.control.translate.ingress_tls import secrets
from edge.control.translate.parts import (
    BY_CLUSTER_IP,
    NOTHING,
    ClientTrust,
    HostOptions,
    HostPart,
    RoutePart,
    ServiceUse,
    Translation,
)
from edge.control.translate.path_policies import OF_BACKENDS, exempted, of_answers, on_path, rewritten, without
from edge.control.translate.references import References
from edge.table import describing
from edge.table.paths import normalise
from edge.table.policies import Affinity, AnyPolicy, Closed, ErrorPages, RedirectTo, RegexRewrite
from edge.table.records import Backend, Owner, PathKind, Route, TlsMaterial, material_key, service_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.ingress import HTTPIngressPath, Ingress, IngressBackend, IngressRule
    from edge.control.translate.annotations.policies import Reader
    from edge.control.translate.annotations.transport import Speaking
    from edge.control.translate.references import Find
    from edge.table.streams import StreamRoute

NO_STAND_IN: Final = "the annotation has no effect"
KINDS: Final = {name: kind for kind, name in describing.KINDS.items()}


def translate(
    ingress: Ingress,
    annotations: Reader,
    find: Find,
    *,
    cross_namespace: bool = False,
    stream: StreamRoute | None = None,
) -> Translation:
    """What INGRESS asks for; ANNOTATIONS reads its annotations, FIND gives the objects that they name.

    CROSS_NAMESPACE: they may name objects of other namespaces. STREAM: as all streams are; None: TLS is not passed on.
    """
    asked, problems = annotations.read(ingress.annotations)
    if asked.refused:
        return replace(NOTHING, order=ingress.order, problems=problems, refused=True)
    return _Translator(ingress, annotations, find, cross_namespace=cross_namespace).result(stream)


class _Translator:
    def __init__(self, ingress: Ingress, annotations: Reader, find: Find, *, cross_namespace: bool) -> None:
        self._ingress = ingress
        self._metadata = ingress.metadata
        self._asked, found = annotations.read(ingress.annotations)
        self._problems: list[Problem] = list(found)
        namespace = ingress.metadata.namespace
        self._references = References(namespace, find, self._problems, cross_namespace=cross_namespace)
        self._uses: list[ServiceUse] = []
        owner = Owner("Ingress", ingress.metadata.namespace, ingress.metadata.name)
        made = [self._references.policy(one) for one in self._asked.deferred]
        self._material: TlsMaterial | None = None
        self._speaking, closing = self._spoken()
        made += closing
        policies = one_closed((*map(self._located, self._asked.policies), *made))
        self._of_backend = tuple(one for one in policies if isinstance(one, OF_BACKENDS))
        self._model = Route(PathKind.PREFIX, "/", owner, policies=without(policies, OF_BACKENDS))

    def result(self, stream: StreamRoute | None) -> Translation:
        spec = self._ingress.spec
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
        canary, names, options = self._asked.canary is not None, self._asked.names, self._host_options()
        unmatched = self._unmatched() if default is None and not canary else None
        hosts = {
            name: HostPart(tuple(parts), default, unmatched if name else None, names, options)
            for name, parts in routes.items()
        }
        if canary:  # a host where it has no route is no canary's, and would be served
            hosts = {name: part for name, part in hosts.items() if part.routes or part.default is not None}
        alone = default if not hosts else None
        if any(remotes.is_open(policy) for policy in self._model.policies):
            hosts = {name: remotes.under(name, part, self._problems) for name, part in hosts.items()}
            alone = remotes.under("", HostPart((), alone), self._problems).default
        streams = (
            passthrough.streams(self._model.owner, hosts, stream, self._problems) if self._asked.passthrough else {}
        )
        return Translation(
            order=self._ingress.order,
            hosts=hosts,
            default=alone,
            uses=tuple(self._uses),
            secrets=() if canary else tuple(secrets(self._ingress, hosts)),
            problems=tuple(self._problems),
            references=tuple(self._references.names),
            remotes=remotes.uses(hosts, alone) if any(one.remotes() for one in self._model.policies) else (),
            materials=(self._material,) if self._material is not None else (),
            streams=streams,
        )

    def _host_options(self) -> HostOptions | None:
        asked = self._asked.host
        if asked is None:
            return None
        clients: ClientTrust | Closed | None
        if isinstance(asked.clients, client_certificate.DeferredTrust):
            clients = self._references.made(asked.clients.reference, asked.clients.make, client_certificate.CLOSES)
            if isinstance(clients, Closed):
                clients = replace(clients, status=client_certificate.STATUS)
        else:
            clients = asked.clients
        return HostOptions(clients, asked.ciphers, asked.server_order, asked.snippet)

    def _spoken(self) -> tuple[Speaking, list[AnyPolicy]]:
        """The transport to endpoints, and the policy that closes the routes if it cannot be used."""
        speaking = self._asked.speaking
        if speaking.secret is None:
            return speaking, []
        found = self._references.made(speaking.secret, speaking.material)
        if not isinstance(found, TlsMaterial):
            return speaking, [found]
        if speaking.has_tls:
            self._material = found
        return speaking.with_material(material_key(found.authorities, found.chain, found.key)), []

    def _located(self, policy: AnyPolicy) -> AnyPolicy:
        """POLICY with the key of the Service that it names."""
        if not isinstance(policy, ErrorPages) or not policy.service:
            return policy
        namespace = self._metadata.namespace
        key = sys.intern(service_key(namespace, policy.service, ""))
        place = field("default-backend")
        self._uses.append(ServiceUse(key, namespace, policy.service, "", place, instead=NO_STAND_IN))
        return replace(policy, key=key)

    def _rule(self, rule: IngressRule, field: str) -> Iterator[RoutePart]:
        for number, path in enumerate((rule.http.paths if rule.http is not None else None) or ()):
            part = self._path(path, f"{field}.http.paths[{number}]")
            yield part
            if part.text.endswith("/") and part.route.kind is not PathKind.EXACT and part.canary is None:
                yield from self._without_slash(part)

    def _path(self, path: HTTPIngressPath, field: str) -> RoutePart:
        kind = KINDS.get(path.path_type or "Prefix", PathKind.STRING)  # admission ensures that there is one
        text = normalise(path.path or "/")
        if kind is PathKind.PREFIX and text != "/":
            text = text.removesuffix("/")
        return self._part(kind, sys.intern(text), path.backend, f"{field}.backend", written=path.path or "/")

    def _without_slash(self, part: RoutePart) -> Iterator[RoutePart]:
        """The redirect to the path of PART, which has a slash at its end, of requests that lack this slash."""
        path = part.route.path.rstrip("/")
        if not path or any(isinstance(one, Closed) for one in part.route.policies):
            return
        target = path.replace("$", "%24")
        redirect = RedirectTo("", 301, f"{self._asked.redirect_base}{target}/$is_args$args")
        policies = (redirect, *of_answers(part.route.policies))
        route = replace(part.route, kind=PathKind.EXACT, path=sys.intern(path), policies=policies)
        yield RoutePart(route, of_answers(part.with_tls), part.field, part.text, implied=True)

    def _unmatched(self) -> RoutePart:
        """The route for requests to a host of this Ingress without a path."""
        policies = tuple(one for one in self._model.policies if not isinstance(one, RegexRewrite))
        nothing = Backend(self._metadata.namespace, status=404)
        route = replace(self._model, policies=policies, backends=(nothing,))
        return RoutePart(route, self._asked.with_tls, "spec.rules", implied=True)

    def _part(self, kind: PathKind, path: str, backend: IngressBackend, field: str, *, written: str = "/") -> RoutePart:
        if backend.service is not None:
            port = sys.intern(str(backend.service.port))
            speaking = self._speaking
            to = Backend(
                self._metadata.namespace,
                backend.service.name,
                port,
                policies=tuple(on_path(one, written) for one in self._of_backend),
                transport=speaking.usual,
                secure_transport=speaking.secure,
            )
            to = replace(to, key=self._use(to, f"{field}.service"))
        else:
            to = Backend(self._metadata.namespace, status=404)
            message = "resource backends are not supported; requests are answered 404"
            self._problems.append(error("UnsupportedBackend", f"{field}.resource", message))
        route = replace(self._model, kind=kind, path=path, backends=(to,))
        route, rewrites = rewritten(route, written)
        regex = rewrites or self._asked.use_regex
        if regex and self._of_backend:
            self._warn_of_path()
        place = sys.intern(field.removesuffix(".backend"))
        part = RoutePart(
            route,
            self._asked.with_tls,
            place,
            sys.intern(written),
            regex,
            self._asked.canary,
            port_tls=self._speaking.port_tls,
        )
        return exempted(part, path, self._asked.exempt)

    def _warn_of_path(self) -> None:
        """Report a cookie whose path would be a regular expression, which browsers take as a plain path."""
        for one in self._of_backend:
            if isinstance(one, Affinity) and not one.path:
                message = (
                    "has paths that are regular expressions; browsers send the cookie with session-cookie-path only"
                )
                problem = warning("CookiePath", one.source, message)
                if problem not in self._problems:
                    self._problems.append(problem)

    def _use(self, to: Backend, field: str) -> str:
        asked = self._asked.balancing
        key = service_key(to.namespace, to.service, to.port)
        if asked.by_cluster_ip:
            key += BY_CLUSTER_IP
        key, field = sys.intern(key), sys.intern(field)
        canary = self._asked.canary is not None
        use = ServiceUse(
            key,
            to.namespace,
            to.service,
            to.port,
            field,
            asked.algorithm,
            asked.by_cluster_ip,
            canary,
            stand_in=any(isinstance(one, ErrorPages) and bool(one.key) for one in self._model.policies),
        )
        self._uses.append(use)
        return key
