"""Turns changes of objects into changes of the table and of the problems.

Rules of this file:
- The cost of a round depends on the changed objects and those that depend on them, not on the number of all objects.
- The result does not depend on the order of changes: after any changes the records and problems are those that
  compiling the objects from nothing would give. Only the records of Services that are no longer used are removed a
  little later.
- If our own code fails on an object, this is reported and its last good version stays in force, be it an Ingress, an
  HTTPRoute, a Secret, a Service or a class (`edge.control.containment`): one object never stops the others.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from edge.control.compiling.claims import Claims
from edge.control.compiling.configuration import Configured
from edge.control.compiling.defaults import DefaultBackend
from edge.control.compiling.delta import Delta
from edge.control.compiling.dns_names import Unresolved
from edge.control.compiling.gateways import TRANSLATED, Gateways
from edge.control.compiling.problems import Problems
from edge.control.compiling.store import Store
from edge.control.compiling.trial import CATCH_ALL
from edge.control.compiling.units import Units
from edge.control.containment import contain
from edge.control.kinds.changes import Delete, Invalid, Upsert
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import error
from edge.control.translate import classes, inspection, stream_services
from edge.control.translate.annotations.defaults import CROSS_NAMESPACE
from edge.control.translate.annotations.policies import Reader
from edge.control.translate.annotations.values import TRUE
from edge.control.translate.classes import Claim
from edge.control.translate.ingress import translate
from edge.control.translate.stream_settings import by_settings
from edge.table.records import GLOBALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.control.compiling.dns_names import Names
    from edge.control.compiling.store import Changed
    from edge.control.kinds.changes import Change
    from edge.control.kinds.ingress import Ingress
    from edge.control.kinds.objects import Key
    from edge.control.kinds.problems import Problem
    from edge.control.translate.parts import Translation
    from edge.settings import Settings
    from edge.table.bindings import Unbound
    from edge.table.records import Certificate, Listening, Wire


class Compiler:
    """The objects, and everything that is compiled from them."""

    def __init__(
        self,
        settings: Settings,
        *,
        names: Names | None = None,
        by_need: bool = False,
        generated: Certificate | None = None,
    ) -> None:
        """NAMES: the DNS, for Services of type ExternalName; GENERATED: the certificate to show if there is no default
        one.

        BY_NEED: see `edge.control.sources.source.Source`.
        """
        self.store = Store()
        self._lock = threading.Lock()
        """Held during a change, and while the webhook reviews an Ingress."""
        self._settings = self._started = settings
        self._settings_asked: Mapping[str, Any] = {}
        """The settings that keys of the ConfigMap change."""
        self._claims = Claims(self.store, settings)
        namespace, _, name = settings.default_ssl_certificate.partition("/")
        default = (namespace, name) if name else None
        names = names if names is not None else Unresolved()
        self._units = Units(self.store, settings, names, by_need=by_need, default=default, generated=generated)
        self._gateways = Gateways(self.store, settings, self._units.references.find)
        self._by_need = by_need
        self._configured = Configured(settings, self._units.references)
        self._annotations = self._reader()
        self._stream_services = stream_services.owners(settings)
        """ConfigMaps of TCP and UDP services."""
        self._backend = DefaultBackend(settings.default_backend_service, self.store, self._units.services)
        self._problems = self._made_problems(default)

    def _made_problems(self, default: Key | None) -> Problems:
        """Collects problems; DEFAULT: the Secret of `--default-ssl-certificate`."""
        flagged = {
            self._backend.owner: self._backend.problems,
            ObjectId("Secret", *default) if default is not None else None: self._units.certificates.default_problems,
            self._configured.owner: self._configuration_problems,
        }
        prefix = f"{self._settings.annotations_prefix}/"
        return Problems(self.store, self._claims, self._units, flagged, prefix)

    def apply(self, change: Change) -> None:
        """Apply CHANGE; it takes effect with the next `compile`."""
        with self._lock:
            self._apply(change)

    def _apply(self, change: Change) -> None:
        owner = _subject(change)
        if owner is None:
            self.store.apply(change)
            return
        contain(
            owner,
            lambda: self.store.apply(change),
            lambda fault: self.store.apply(Invalid(str(owner), owner.kind, owner.namespace, owner.name, fault)),
        )

    def name_changed(self, name: str) -> None:
        """The addresses that `names` gives for NAME have changed."""
        with self._lock:
            self._units.services.name_changed(name)
            self._units.remotes.name_changed(name)

    def zone_found(self, zone: str) -> None:
        """Our node is in ZONE; hints of EndpointSlices for this zone apply to us."""
        with self._lock:
            self._units.services.zone_found(zone)

    def show_generated(self, certificate: Certificate) -> None:
        """Show CERTIFICATE from now on if there is no default certificate."""
        self._units.certificates.generated(certificate)

    @property
    def is_configured(self) -> bool:
        """Whether the ConfigMap of `--configmap` has been read."""
        return self._configured.is_known

    def bindings(self, unbound: Iterable[Unbound], bound: frozenset[Listening]) -> None:
        """From now on the proxy cannot listen on what is UNBOUND, and listens on what is BOUND."""
        self._units.sockets.bindings(unbound, bound)

    @property
    def needs_version(self) -> int:
        """Incremented when `wanted` or `external_names` may have changed."""
        return self._units.needs_version

    @property
    def wanted(self) -> frozenset[ObjectId]:
        """The Secrets and ConfigMaps that are needed."""
        return self._units.wanted

    @property
    def external_names(self) -> frozenset[str]:
        """The names in the DNS that are needed."""
        return self._units.external_names

    def next_due(self) -> float | None:
        """Seconds until `compile` has work even without a change; None: it has none."""
        return self._units.next_due()

    def translation(self, owner: ObjectId) -> Translation | None:
        """What OWNER asks for; None: it is not served."""
        return self._units.translations.get(owner)

    def judge(self, ingress: Ingress) -> list[Problem] | None:
        """What would be wrong with INGRESS if it were in the cluster; None: it is not ours.

        Any thread may ask. Nothing is changed, and no other Ingress is translated.
        """
        with self._lock:
            if classes.claim(ingress, self.store.classes(), self._settings) is not Claim.OURS:
                return None
            found: list[Problem] = []
            if self._settings.disable_catch_all and ingress.spec.default_backend is not None:
                found.append(error(CATCH_ALL, "spec.defaultBackend", "not allowed with --disable-catch-all"))
            translation = self._meaning(ingress)
            found += translation.problems
            found += self._units.hosts.tried(ingress.id, translation)
            found += self._units.named_problems(ingress.id, translation)
        inspected = inspection.inspected(ingress, self._settings, self._configured.current.defaults)
        return list(dict.fromkeys((*inspected, *self._problems.as_written(found))))

    def compile(self, *, now: float | None = None, clock: float | None = None) -> Delta:
        """What has changed since the last call. NOW (Unix seconds) is for certificates, CLOCK (monotonic) for delayed
        removals; by default they are read.
        """
        with self._lock:
            return self._compile(now, clock)

    def _compile(self, now: float | None, clock: float | None) -> Delta:
        delta = Delta()
        changed = self.store.take_changed()
        owners = self._translate(changed, delta)
        self._units.changed(changed)
        shared = self._backend.compile(always=bool(self._configured.current.policies))
        if shared is not None:
            delta.routes[GLOBALS] = shared
            self._units.hosts.default_changed(self._backend.route)
        clock = time.monotonic() if clock is None else clock
        owners |= self._units.compile(delta, time.time() if now is None else now, clock)
        self._units.compile_status(delta, owners | changed.gateways, clock)
        self._problems.report({owner for owner in owners if owner.kind} | changed.faults, delta)
        self._forget(changed)
        return delta

    def _translate(self, changed: Changed, delta: Delta) -> set[ObjectId]:
        """Translate what CHANGED and what depends on it; returns the owners of these translations."""
        ingresses = changed.ingresses | self._configure(changed, delta)
        if changed.classes:
            ingresses |= self._affected(changed)
        ingresses |= self._referring(changed)
        for key in ingresses:
            self._take_ingress(key, delta)
        owners = {ObjectId("Ingress", *key) for key in ingresses}
        for owner, wires in self._stream_services.items():
            if (owner.namespace, owner.name) in changed.config_maps or owner not in self._units.translations:
                self._take_stream_services(owner, wires)
                owners.add(owner)
        concerned = {owner for owner in self._naming(changed) if owner.kind in TRANSLATED}
        if changed.gateways or changed.services:
            concerned |= self._gateways.affected(changed.gateways, changed.services)
        for owner in concerned:
            self._take_gateway(owner)
        return owners | concerned

    def _take_ingress(self, key: Key, delta: Delta) -> None:
        """Translate the Ingress KEY again."""
        ingress = self.store.ingress(key)
        owner = ObjectId("Ingress", *key)
        was_served = self._units.is_served(owner)
        self._take(owner, lambda: self._translated(key, ingress), exists=ingress is not None)
        if self._units.is_served(owner):
            delta.served[owner] = ingress
        elif was_served:
            delta.served[owner] = None

    def _take_gateway(self, owner: ObjectId) -> None:
        """Translate the Gateway or route OWNER again."""

        def translated() -> Translation | None:
            new, old = self._gateways.translated(owner), self._units.translations.get(owner)
            return new if new != old else old  # often a change of a dependency does not change the translation

        self._take(owner, translated, exists=self._gateways.exists(owner))

    def _take_stream_services(self, owner: ObjectId, wires: tuple[Wire, ...]) -> None:
        """Translate the ConfigMap OWNER of services of these WIRES again."""

        def translated() -> Translation:
            return stream_services.translate(owner, wires, self._units.references.find(owner), self._settings)

        self._take(owner, translated, exists=True)

    def _take(self, owner: ObjectId, translated: Callable[[], Translation | None], *, exists: bool) -> None:
        """From now on OWNER asks for what TRANSLATED gives; if that fails and OWNER EXISTS, for the same as before."""
        old = self._units.translations.get(owner)
        self._problems.mended(owner)

        def failed(fault: str) -> Translation | None:
            self._problems.breaks(owner, fault)
            return old if exists else None

        self._units.replace(owner, contain(owner, translated, failed))

    def _referring(self, changed: Changed) -> set[Key]:
        """The Ingresses that name Secrets and ConfigMaps that have changed."""
        return {(owner.namespace, owner.name) for owner in self._naming(changed) if owner.kind == "Ingress"}

    def _naming(self, changed: Changed) -> set[ObjectId]:
        """The objects that name Secrets and ConfigMaps that have changed."""
        return {owner for name in _referents(changed) for owner in self._units.references.owners(name)}

    def _forget(self, changed: Changed) -> None:
        """Forget changed and released objects that are not needed; the source reports them again if they are."""
        released = self._units.take_released() | _referents(changed)
        if self._by_need:
            for name in released:
                if not self._units.is_wanted(name):
                    self.store.forget(name.kind, ((name.namespace, name.name),))

    def _translated(self, key: Key, ingress: Ingress | None) -> Translation | None:
        if not self._claims.is_ours(key, ingress) or ingress is None:
            return None
        return self._meaning(ingress)

    def _meaning(self, ingress: Ingress) -> Translation:
        cross_namespace = self._units.hosts.cross_namespace
        find = self._units.references.find
        stream = by_settings(self._settings) if self._settings.enable_ssl_passthrough else None
        return translate(ingress, self._annotations, find, cross_namespace=cross_namespace, stream=stream)

    def _configure(self, changed: Changed, delta: Delta) -> set[Key]:
        """Read the ConfigMap again; returns the Ingresses to translate again."""
        differs = self._configured.compile(_referents(changed), delta)
        asked = self._configured.current.settings
        settings = self._started.with_(**asked) if asked != self._settings_asked else self._settings
        self._settings_asked = asked
        if settings != self._settings:
            self._settings = settings
            changed.config_maps.update((owner.namespace, owner.name) for owner in self._stream_services)
            differs = differs or settings.enable_ssl_passthrough
        if not differs:
            return set()
        self._annotations = self._reader()
        return set(self.store.keys("Ingress"))

    def _configuration_problems(self) -> list[Problem]:
        """What is wrong with the ConfigMap, given the routes."""
        return [*self._configured.problems(), *self._units.unguarded.problems(self._configured.current.defaults)]

    def _reader(self) -> Reader:
        """Reads annotations, with the values of the process as defaults."""
        self._units.hosts.cross_namespace = self._configured.current.defaults[CROSS_NAMESPACE][0] in TRUE
        return Reader(self._configured.current.defaults, f"{self._settings.annotations_prefix}/")

    def _affected(self, changed: Changed) -> set[Key]:
        """The Ingresses to check again after classes have changed."""
        names = {ObjectId("IngressClass", *key) for key in changed.classes}
        changed.faults |= {name for name in names if self._problems.mended(name)}

        def failed(fault: str) -> set[Key]:
            for name in names:
                self._problems.breaks(name, fault)
            changed.faults.update(names)
            return set(self.store.keys("Ingress"))

        return contain(", ".join(map(str, names)), lambda: self._claims.affected(changed.classes), failed)


def _referents(changed: Changed) -> set[ObjectId]:
    """The Secrets and ConfigMaps of CHANGED."""
    secrets = {ObjectId("Secret", *key) for key in changed.secrets}
    return secrets.union(ObjectId("ConfigMap", *key) for key in changed.config_maps)


def _subject(change: Change) -> ObjectId | None:
    """The object that CHANGE is about."""
    if isinstance(change, Upsert):
        return change.object.id
    if isinstance(change, Delete | Invalid):
        return ObjectId(change.kind, change.namespace, change.name)
    return None
