"""Objects that were read once, and the verdict on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.control.check import cluster, unnamed
from edge.control.compiling.compiler import Compiler
from edge.control.containment import contain
from edge.control.kinds.changes import Upsert
from edge.control.kinds.core import ConfigMap
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, Severity, warning
from edge.control.kinds.resources import ROUTES
from edge.control.sources.files import reading
from edge.control.translate import classes
from edge.control.translate.classes import Claim
from edge.table import describing
from edge.table.content import Content
from edge.table.records import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.check.values import Values
    from edge.control.kinds.ingress import Ingress
    from edge.control.translate.parts import HostPart
    from edge.settings import Settings
    from edge.table.records import Backend, Host, Route

_MOST_ENDPOINTS: Final = 8
NO_HTTP: Final = " (503)"
"""Shown if no route takes the request."""
_UNKNOWN: Final = "Manifest"
"""Kind of an object without a kind; its name is its place."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The report on one object."""

    owner: ObjectId
    place: str
    """Its file and line; empty: it is in a cluster."""
    served: bool
    problems: tuple[Problem, ...]


class Checked:
    """Manifests, or the objects of a cluster, and the verdict on them."""

    def __init__(
        self, paths: Sequence[str], settings: Settings, *, from_cluster: bool = False, values: Values | None = None
    ) -> None:
        """Read PATHS, or the cluster of SETTINGS; VALUES: their ConfigMap applies to all of it.

        Raises:
            ConfigurationError: there is no cluster.
            KubernetesError: the cluster cannot be read.
        """
        config = values.config if values is not None else None
        if config is not None:
            settings = settings.with_(configmap=f"{config.metadata.namespace}/{config.metadata.name}")
        self._settings = settings if from_cluster else settings.with_(manifests=tuple(paths) or ("-",))
        self._compiler = Compiler(self._settings)
        self._places: dict[ObjectId, str] = {}
        if from_cluster:
            delta = cluster.once(self._settings, self._compiler)
        else:
            self._places = reading.once(paths, self._compiler.apply)
            if values is not None and config is not None:
                self._compiler.apply(Upsert(config))
                self._places[config.id] = f"{values.place}, controller.config"
            delta = self._compiler.compile()
        self.content = Content.of(delta.routes, delta.endpoints, delta.tls)
        self._problems = {owner: list(problems) for owner, (_, problems) in delta.problems.items() if problems}
        if config is not None and not paths:  # the objects that keys name are not known
            present = [one for one in self._problems.pop(config.id, ()) if not one.reason.startswith("Missing")]
            self._problems |= {config.id: present} if present else {}
        self._ingresses = self._all("Ingress")
        self._routed = {kind: owners for kind in (one.name for one in ROUTES) if (owners := self._all(kind))}
        self._claims = {owner: self._claim(owner) for owner in self._ingresses}
        for owner, claim in self._claims.items():
            if claim is Claim.NONE:
                self._problems.setdefault(owner, []).append(self._no_class())
        for owner, problem in unnamed.problems(self._compiler.store.objects("ConfigMap"), self._settings):
            self._problems.setdefault(owner, []).append(problem)
        self.severities = Counter(one.severity for problems in self._problems.values() for one in problems)

    def lines(self) -> Iterator[str]:
        """The verdict as text."""
        asking = [*self._ingresses, *(owner for owners in self._routed.values() for owner in owners)]
        for owner in asking:
            yield self._heading(owner)
            yield from self._routes(owner)
            yield from self._problem_lines(owner)
            yield ""
        owners = [one.owner for one in self.content.streams.values()]
        streaming = {ObjectId(one.kind, one.namespace, one.name) for one in owners}
        for owner in sorted((self._problems.keys() | streaming) - set(asking)):
            yield self._heading(owner)
            yield from describing.columns(list(self._streams(owner)), "  ")
            yield from self._problem_lines(owner)
            yield ""

    def objects(self) -> Iterator[Verdict]:
        """The verdict as values: objects with routes first, then all others that have a problem."""
        asking = [*self._ingresses, *(owner for owners in self._routed.values() for owner in owners)]
        others = set(self._problems).difference(asking)
        for owner in [*asking, *sorted(others)]:
            served = owner in asking and self._is_served(owner)
            yield Verdict(owner, self._places.get(owner, ""), served, tuple(self._sorted(owner)))

    def ingresses(self) -> list[Ingress]:
        """The Ingresses that are ours."""
        return [self._ingress(owner) for owner in self._ingresses if self._claims[owner] is not Claim.OTHERS]

    def config_map(self) -> ConfigMap | None:
        """The ConfigMap of --configmap."""
        namespace, _, name = self._settings.configmap.partition("/")
        found = self._compiler.store.get(ObjectId("ConfigMap", namespace, name))
        return found if isinstance(found, ConfigMap) else None

    # --- what is served -------------------------------------------------------------------------------------------

    def _heading(self, owner: ObjectId) -> str:
        place = self._places.get(owner)
        name = owner.name if owner.kind == _UNKNOWN else str(owner)
        return name + (f" ({place})" if place else "")

    def _routes(self, owner: ObjectId) -> Iterator[str]:
        translation = self._compiler.translation(owner)
        if translation is None or not self._is_served(owner):
            yield f"  not served: {self._why_not(owner)}"
            return
        names = list(translation.hosts) if translation.default is None else [""]
        for name in names:
            host = self.content.hosts.get(name)
            if host is None:
                yield f"  {name or 'any other host'}: see below"
                continue
            tls = f" (TLS: {describing.certificate(self.content, host)})" if host.tls else ""
            yield f"  {describing.host_name(host)}{tls}"
            rows = list(self._rows(host, owner, translation.hosts.get(name)))
            yield from describing.columns(rows, "    ") if rows else ("  no route",)
        yield from describing.columns(list(self._streams(owner)), "  ")

    def _streams(self, owner: ObjectId) -> Iterator[tuple[str, ...]]:
        """The streams that are those of OWNER."""
        ours = Owner(owner.kind, owner.namespace, owner.name)
        for key, stream in sorted(self.content.streams.items()):
            if stream.owner == ours:
                endpoints = "; ".join(f"-> {self._endpoints(one).removesuffix(NO_HTTP)}" for one in stream.backends)
                yield describing.stream_name(key, stream), f"-> {describing.stream_backends(stream)}", endpoints

    def _rows(self, host: Host, owner: ObjectId, part: HostPart | None) -> Iterator[tuple[str, ...]]:
        """The routes of HOST that are those of OWNER, or to which OWNER, a canary, gives a backend; PART is what OWNER
        asks for."""
        ours = Owner(owner.kind, owner.namespace, owner.name)
        canaries = {one.route.backends[0].key for one in (part.routes if part else ()) if one.canary is not None}
        for route in describing.routes(host):
            if route.owner == ours:
                yield self._row(route)
            elif any(backend.canary and backend.key in canaries for backend in route.backends):
                taken, done, _ = self._row(route)
                yield taken, done, f"as a canary of {route.owner}"
        if host.default is not None and host.default.owner == ours:
            yield self._row(host.default, default=True)

    def _row(self, route: Route, *, default: bool = False) -> tuple[str, ...]:
        taken, done = describing.route(route, default=default)
        named = [one.service if len(route.backends) > 1 else "" for one in route.backends]
        endpoints = [
            f"-> {f'{name}: ' if name else ''}{self._endpoints(one)}"
            for name, one in zip(named, route.backends, strict=True)
        ]
        return taken, f"-> {done}", "; ".join([*endpoints, *describing.policies(route)])

    def _endpoints(self, backend: Backend) -> str:
        if not backend.key:
            return f"{backend.status}"
        service = self._compiler.store.service((backend.namespace, backend.service))
        if service is not None and service.spec.type == "ExternalName" and not self._settings.disable_svc_external_name:
            return f"whatever {service.spec.external_name} resolves to"
        return describing.endpoints(self.content.ports.get(backend.key), most=_MOST_ENDPOINTS)

    # --- what is not ----------------------------------------------------------------------------------------------

    def _ingress(self, owner: ObjectId) -> Ingress:
        found = self._compiler.store.ingress((owner.namespace, owner.name))
        if found is None:
            raise KeyError(owner)
        return found

    def _all(self, kind: str) -> list[ObjectId]:
        return sorted(ObjectId(kind, *key) for key in self._compiler.store.keys(kind))

    def _is_served(self, owner: ObjectId) -> bool:
        """Whether OWNER has a translation and is allowed.

        A route that attaches to no listener has a translation with nothing in it.
        """
        translation = self._compiler.translation(owner)
        if translation is None or translation.refused:
            return False
        return owner.kind == "Ingress" or bool(translation.hosts or translation.streams)

    def _claim(self, owner: ObjectId) -> Claim:
        known = self._compiler.store.classes()
        return contain(
            owner, lambda: classes.claim(self._ingress(owner), known, self._settings), lambda _: Claim.UNKNOWN
        )

    def _why_not(self, owner: ObjectId) -> str:
        if owner.kind != "Ingress":
            return "see below" if owner in self._problems else "it names no Gateway of this controller"
        claim = self._claims[owner]
        name = classes.class_name(self._ingress(owner))
        known = self._compiler.store.classes().get(name)
        if claim is Claim.OTHERS and known is not None:
            return f'IngressClass "{name}" is of another controller, {known.spec.controller}; see --controller-class'
        if claim is Claim.OTHERS:
            return f'class "{name}" is of another controller; see --ingress-class'
        return "see below"

    def _no_class(self) -> Problem:
        message = (
            "no class is named and none is the default, so the Ingress is not served; "
            f"name one (for instance {self._settings.ingress_class}), or use --watch-ingress-without-class"
        )
        return warning("NoClass", "spec.ingressClassName", message)

    # --- problems -------------------------------------------------------------------------------------------------

    def _problem_lines(self, owner: ObjectId) -> Iterator[str]:
        for problem in self._sorted(owner):
            yield f"  {problem.severity}: {problem}"

    def _sorted(self, owner: ObjectId) -> list[Problem]:
        """The problems of OWNER, errors first."""
        return sorted(self._problems.get(owner, ()), key=lambda one: one.severity is not Severity.ERROR)

    def summary(self) -> str:
        """All of it in one line."""
        hosts = self.content.hosts.values()
        routes = sum(len(host.routes) + (host.default is not None) for host in hosts)
        groups = [(self._ingresses, "Ingress", "Ingresses")]
        groups += [(owners, kind, f"{kind}s") for kind, owners in self._routed.items()]
        groups = [one for one in groups if one[0]] or groups
        served = [_count(sum(map(self._is_served, owners)), *names) for owners, *names in groups]
        streams = f" and {_count(streams, 'stream', 'streams')}" if (streams := len(self.content.streams)) else ""
        parts = [f"{' and '.join(served)} served with {_count(routes, 'route', 'routes')}{streams}"]
        for owners, *names in groups:
            ignored = len(owners) - sum(map(self._is_served, owners))
            if ignored:
                parts.append(f"{_count(ignored, *names)} not served")
        errors, warnings = self.severities[Severity.ERROR], self.severities[Severity.WARNING]
        parts += [_count(errors, "error", "errors"), _count(warnings, "warning", "warnings")]
        return ", ".join(parts)


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
