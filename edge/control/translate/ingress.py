"""What one Ingress asks for, taken for itself: routes under hosts, services, certificates.

Rules of this file:
- Nothing here knows another object, so an Ingress is translated again only when it changes itself.
- Text that many Ingresses have in common is interned: fields, paths, ports, keys.
- As in nginx, a path that ends in a slash redirects (301) requests that lack it, before anything else is asked of them.
  An `Exact` path does not: by the Kubernetes API it takes itself alone.

Source: Kubernetes API reference, Ingress v1; "Ingress" in the Kubernetes docs.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

from msgspec.structs import replace

from edge.control.kinds.names import host_name
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate import remotes
from edge.control.translate.annotations import client_certificate
from edge.control.translate.annotations.policies import one_closed
from edge.control.translate.annotations.values import CLOSES, field
from edge.control.translate.annotations.wanted import ContentError
from edge.control.translate.parts import (
    BY_CLUSTER_IP,
    NOTHING,
    ClientTrust,
    HostOptions,
    HostPart,
    RoutePart,
    SecretUse,
    ServiceUse,
    Translation,
)
from edge.table import describing
from edge.table.paths import normalise
from edge.table.policies import (
    Affinity,
    AnyPolicy,
    Closed,
    CustomHeaders,
    ErrorPages,
    HashBy,
    Hsts,
    HttpsRedirect,
    NoAccessLog,
    RedirectTo,
    RegexRewrite,
)
from edge.table.policies.auth import BasicAuth, DigestAuth
from edge.table.policies.external_auth import ExternalAuth, SignIn
from edge.table.records import Backend, Owner, PathKind, Route, TlsMaterial, material_key, service_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.control.kinds.objects import (
        ConfigMap,
        HTTPIngressPath,
        Ingress,
        IngressBackend,
        IngressRule,
        ObjectId,
        Secret,
    )
    from edge.control.translate.annotations.policies import Reader
    from edge.control.translate.annotations.transport import Speaking
    from edge.control.translate.annotations.wanted import Deferred, Reference
    from edge.control.translate.parts import Order
    from edge.table.policies.policy import Policy

    Find = Callable[[ObjectId], Secret | ConfigMap | str | None]
    """Gives a Secret or ConfigMap; text: why there is none that can be read; None: it has not been looked for yet."""

T = TypeVar("T")

NO_STAND_IN: Final = "the annotation has no effect"
AUTHENTICATION: Final[tuple[type[Policy], ...]] = (BasicAuth, DigestAuth, ExternalAuth, SignIn)
KINDS: Final = {name: kind for kind, name in describing.KINDS.items()}


OF_BACKENDS: Final[tuple[type[Policy], ...]] = (Affinity, HashBy)
"""Policies that are put on the backend: a canary beside it has others."""
_NOT_IN_COOKIES: Final = re.compile(r"[^!-:<-~]+")
"""What the Path of a cookie cannot hold: `;`, and all but visible ASCII (RFC 6265, section 4.1.1)."""


def translate(ingress: Ingress, annotations: Reader, find: Find, *, cross_namespace: bool = False) -> Translation:
    """What INGRESS asks for; ANNOTATIONS reads its annotations, FIND gives the objects that they name.

    CROSS_NAMESPACE: they may name objects of other namespaces.
    """
    asked, problems = annotations.read(ingress.annotations)
    if asked.refused:
        return replace(NOTHING, order=_order(ingress), problems=problems)
    return _Translator(ingress, annotations, find, cross_namespace=cross_namespace).result()


def _order(ingress: Ingress) -> Order:
    metadata = ingress.metadata
    return metadata.creation_timestamp or "", metadata.namespace, metadata.name


class _Translator:
    def __init__(self, ingress: Ingress, annotations: Reader, find: Find, *, cross_namespace: bool) -> None:
        self._ingress = ingress
        self._metadata = ingress.metadata
        self._find = find
        self._cross_namespace = cross_namespace
        self._references: list[ObjectId] = []
        self._asked, found = annotations.read(ingress.annotations)
        self._problems: list[Problem] = list(found)
        self._uses: list[ServiceUse] = []
        owner = Owner("Ingress", ingress.metadata.namespace, ingress.metadata.name)
        made = [self._made(one) for one in self._asked.deferred]
        self._material: TlsMaterial | None = None
        self._speaking, closing = self._spoken()
        made += closing
        policies = one_closed((*map(self._located, self._asked.policies), *made))
        self._of_backend = tuple(one for one in policies if isinstance(one, OF_BACKENDS))
        self._model = Route(PathKind.PREFIX, "/", owner, policies=_without(policies, OF_BACKENDS))

    def result(self) -> Translation:
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
        return Translation(
            order=_order(self._ingress),
            hosts=hosts,
            default=alone,
            uses=tuple(self._uses),
            secrets=() if canary else tuple(_secrets(self._ingress, hosts)),
            problems=tuple(self._problems),
            references=tuple(self._references),
            remotes=remotes.uses(hosts, alone) if any(one.remotes() for one in self._model.policies) else (),
            materials=(self._material,) if self._material is not None else (),
        )

    def _host_options(self) -> HostOptions | None:
        asked = self._asked.host
        if asked is None:
            return None
        clients: ClientTrust | Closed | None
        if isinstance(asked.clients, client_certificate.DeferredTrust):
            clients = self._with(asked.clients.reference, asked.clients.make, client_certificate.CLOSES)
            if isinstance(clients, Closed):
                clients = replace(clients, status=client_certificate.STATUS)
        else:
            clients = asked.clients
        return HostOptions(clients, asked.ciphers, asked.server_order, asked.snippet)

    def _made(self, deferred: Deferred) -> AnyPolicy:
        """The policy that DEFERRED is with the object that it needs; without that, one that closes the routes."""
        reference = deferred.reference

        def made(found: Secret | ConfigMap) -> AnyPolicy:
            policy, faults = deferred.make(found)
            for fault in faults:
                name = reference.within(self._metadata.namespace)
                self._problems.append(warning(f"Invalid{name.kind}", reference.field, f"{name}: {fault}"))
            return policy

        return self._with(reference, made)

    def _spoken(self) -> tuple[Speaking, list[AnyPolicy]]:
        """How endpoints are spoken to, and what closes the routes where that cannot be."""
        speaking = self._asked.speaking
        if speaking.secret is None:
            return speaking, []
        found = self._with(speaking.secret, speaking.material)
        if not isinstance(found, TlsMaterial):
            return speaking, [found]
        if speaking.has_tls:
            self._material = found
        return speaking.with_material(material_key(found.authorities, found.chain, found.key)), []

    def _with(self, reference: Reference, make: Callable[[Secret | ConfigMap], T], closes: str = CLOSES) -> T | Closed:
        """What MAKE makes of the object REFERENCE; without a usable one, the policy that closes the routes.

        CLOSES says in the report what that does.
        """
        namespace = self._metadata.namespace
        name = reference.within(namespace)
        if name.namespace != namespace and not self._cross_namespace:
            fault = f"{name} is in another namespace, which --allow-cross-namespace-resources would allow"
            return self._closed("CrossNamespace", reference, fault, closes)
        self._references.append(name)
        found = self._find(name)
        if found is None:
            return Closed(reference.field, f"{name} has not been read yet")
        if isinstance(found, str):
            return self._closed(f"Missing{name.kind}", reference, found, closes)
        try:
            return make(found)
        except ContentError as error:
            return self._closed(f"Invalid{name.kind}", reference, f"{name} cannot be used: {error}", closes)

    def _located(self, policy: AnyPolicy) -> AnyPolicy:
        """POLICY with the key of the Service that it names."""
        if not isinstance(policy, ErrorPages) or not policy.service:
            return policy
        namespace = self._metadata.namespace
        key = sys.intern(service_key(namespace, policy.service, ""))
        place = field("default-backend")
        self._uses.append(ServiceUse(key, namespace, policy.service, "", place, instead=NO_STAND_IN))
        return replace(policy, key=key)

    def _closed(self, reason: str, reference: Reference, fault: str, closes: str) -> Closed:
        self._problems.append(error(reason, reference.field, f"{fault}; {closes}"))
        return Closed(reference.field, fault)

    def _rule(self, rule: IngressRule, field: str) -> Iterator[RoutePart]:
        for number, path in enumerate((rule.http.paths if rule.http is not None else None) or ()):
            part = self._path(path, f"{field}.http.paths[{number}]")
            yield part
            if part.text.endswith("/") and part.route.kind is not PathKind.EXACT and part.canary is None:
                yield from self._without_slash(part)

    def _path(self, path: HTTPIngressPath, field: str) -> RoutePart:
        kind = KINDS.get(path.path_type or "Prefix", PathKind.STRING)  # admission sees to it that there is one
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
        policies = (redirect, *_of_answers(part.route.policies))
        route = replace(part.route, kind=PathKind.EXACT, path=sys.intern(path), policies=policies)
        yield RoutePart(route, _of_answers(part.with_tls), part.field, part.text, implied=True)

    def _unmatched(self) -> RoutePart:
        """What takes the requests to a host of this Ingress for which there is no path."""
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
                policies=tuple(_on_path(one, written) for one in self._of_backend),
                transport=speaking.usual,
                secure_transport=speaking.secure,
            )
            to = replace(to, key=self._use(to, f"{field}.service"))
        else:
            to = Backend(self._metadata.namespace, status=404)
            message = "resource backends are not supported; requests are answered 404"
            self._problems.append(error("UnsupportedBackend", f"{field}.resource", message))
        route = replace(self._model, kind=kind, path=path, backends=(to,))
        route, rewritten = _rewritten(route, written)
        regex = rewritten or self._asked.use_regex
        if regex and self._of_backend:
            self._warn_of_path()
        place = sys.intern(field.removesuffix(".backend"))
        part = RoutePart(route, self._asked.with_tls, place, sys.intern(written), regex, self._asked.canary)
        exempt = self._asked.exempt
        if path.startswith(exempt.from_https):
            part = _lacking(part, (HttpsRedirect,))
        return _lacking(part, AUTHENTICATION) if path.startswith(exempt.from_authentication) else part

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
        use = ServiceUse(key, to.namespace, to.service, to.port, field, asked.algorithm, asked.by_cluster_ip, canary)
        self._uses.append(use)
        return key


def _on_path(policy: AnyPolicy, written: str) -> AnyPolicy:
    """POLICY of a backend on the path WRITTEN, which is that of its cookie by default."""
    if isinstance(policy, Affinity) and not policy.path:
        return replace(policy, path=_NOT_IN_COOKIES.sub(lambda found: quote(found[0]), written))
    return policy


def _without(policies: tuple[AnyPolicy, ...], kinds: tuple[type[Policy], ...]) -> tuple[AnyPolicy, ...]:
    return tuple(one for one in policies if not isinstance(one, kinds))


def _rewritten(route: Route, written: str) -> tuple[Route, bool]:
    """ROUTE with the pattern of its rewrite, which is its path as WRITTEN, and whether it has a rewrite.

    A target that is the path itself rewrites nothing, as in ingress-nginx.
    """
    for number, policy in enumerate(route.policies):
        if isinstance(policy, RegexRewrite):
            others = route.policies[:number], route.policies[number + 1 :]
            if policy.target == written:
                return replace(route, policies=(*others[0], *others[1])), False
            made = replace(policy, pattern=written)
            return replace(route, policies=(*others[0], made, *others[1])), True
    return route, False


def _of_answers(policies: tuple[AnyPolicy, ...]) -> tuple[AnyPolicy, ...]:
    """Those of POLICIES that act on any answer, or log it: what holds for a redirect that Edge makes of itself."""
    return tuple(one for one in policies if isinstance(one, CustomHeaders | Hsts | NoAccessLog))


def _lacking(part: RoutePart, kinds: tuple[type[Policy], ...]) -> RoutePart:
    """PART without policies of these KINDS."""
    route = replace(part.route, policies=_without(part.route.policies, kinds))
    return replace(part, route=route, with_tls=_without(part.with_tls, kinds))


def _secrets(ingress: Ingress, hosts: dict[str, HostPart]) -> Iterator[SecretUse]:
    listed: set[str] = set()
    namespace = ingress.metadata.namespace
    entries = list(enumerate(ingress.spec.tls or ()))
    for number, entry in entries:
        # Without hosts the entry means the hosts of the rules, and without rules any host.
        names = [host_name(host) for host in entry.hosts or ()] or list(hosts) or [""]
        for name in names:
            if name not in listed:
                listed.add(name)
                yield SecretUse(name, namespace, entry.secret_name or "", *_fields(number), has_rule=name in hosts)
    for number, entry in entries:
        if entry.secret_name:
            for name in [name for name in hosts if name and name not in listed]:
                yield SecretUse(name, namespace, entry.secret_name, *_fields(number), implied=True)


def _fields(number: int) -> tuple[str, str]:
    """Where the entry NUMBER names its Secret and its hosts."""
    field = f"spec.tls[{number}]"
    return sys.intern(f"{field}.secretName"), sys.intern(f"{field}.hosts")
