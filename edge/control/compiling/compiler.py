"""Changes in, what they make of the table and of the problems out.

Rules of this file:
- What a round costs depends on what the changed objects have to do with others, not on how much there is.
- The result does not depend on the way to it: after any changes the records and problems are those that compiling the
  objects from nothing would give. Only the records of Services that are no longer used go a little later.
- What our own code cannot digest is reported, and its last good version stays in force, be it an Ingress, an HTTPRoute,
  a Secret, a Service or a class (`edge.control.containment`): one object never stops the others.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from edge.control.compiling.claims import Claims
from edge.control.compiling.configuration import Configured
from edge.control.compiling.defaults import DefaultBackend
from edge.control.compiling.delta import Delta
from edge.control.compiling.dns_names import Unresolved
from edge.control.compiling.gateway_services import GatewayServices
from edge.control.compiling.gateway_status import GatewayStatus
from edge.control.compiling.gateways import TRANSLATED, WITH_STATUS, Gateways
from edge.control.compiling.hosts import Hosts
from edge.control.compiling.listener_options import ListenerOptions
from edge.control.compiling.materials import Materials
from edge.control.compiling.references import References
from edge.control.compiling.remotes import Remotes
from edge.control.compiling.server_names import Certificates
from edge.control.compiling.service_ports import Services
from edge.control.compiling.sockets import Sockets
from edge.control.compiling.store import Store
from edge.control.compiling.streams import Streams
from edge.control.compiling.trial import CATCH_ALL
from edge.control.containment import REASON, contain
from edge.control.kinds.changes import Delete, Invalid, Upsert
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.translate import classes, inspection, stream_services
from edge.control.translate.annotations.defaults import CROSS_NAMESPACE
from edge.control.translate.annotations.policies import Reader
from edge.control.translate.annotations.values import PREFIX, TRUE
from edge.control.translate.classes import Claim
from edge.control.translate.ingress import translate
from edge.control.translate.parts import NOTHING, Translation
from edge.control.translate.stream_settings import by_settings
from edge.table.records import GLOBALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.control.compiling.dns_names import Names
    from edge.control.compiling.store import Changed
    from edge.control.kinds.changes import Change
    from edge.control.kinds.objects import Ingress, Key
    from edge.settings import Settings
    from edge.table.bindings import Unbound
    from edge.table.records import Certificate, Listening, Wire

LOOK = 0.1
"""Seconds between two looks whether the proxy has opened sockets that a status waits for."""


class Compiler:
    """The objects, and all that has been made of them."""

    def __init__(
        self,
        settings: Settings,
        *,
        names: Names | None = None,
        by_need: bool = False,
        generated: Certificate | None = None,
    ) -> None:
        """NAMES: the DNS, for Services of type ExternalName; GENERATED: shown where there is no default certificate.

        BY_NEED: see `edge.control.sources.source.Source`.
        """
        self.store = Store()
        self._lock = threading.Lock()
        """Held while something is changed, and while an Ingress is judged."""
        self._settings = self._started = settings
        self._settings_asked: Mapping[str, Any] = {}
        """The settings that keys of the ConfigMap change."""
        self._claims = Claims(self.store, settings)
        names = names if names is not None else Unresolved()
        self._services = Services(self.store, settings, names)
        self._hosts = Hosts(self._services.app_protocol)
        self._references = References(self.store, by_need=by_need)
        self._gateways = Gateways(self.store, settings, self._references.find)
        self._listener_options = ListenerOptions()
        self._materials = Materials()
        self._by_need = by_need
        self._configured = Configured(settings, self._references)
        self._annotations = self._reader()
        self._remotes = Remotes(names)
        namespace, _, name = settings.default_ssl_certificate.partition("/")
        default = (namespace, name) if name else None
        self._certificates = Certificates(self.store, by_need=by_need, default=default, generated=generated)
        self._default_certificate = ObjectId("Secret", *default) if default is not None else None
        self._sockets = Sockets()
        self._streams = Streams()
        self._stream_services = stream_services.owners(settings)
        """ConfigMaps of TCP and UDP services."""
        self._gateway_status = GatewayStatus(self.store, settings, self._certificates.secrets, self._sockets.verdicts)
        self._gateway_services = GatewayServices()
        self._backend = DefaultBackend(settings.default_backend_service, self.store, self._services)
        self._translations: dict[ObjectId, Translation] = {}
        self._broken: dict[ObjectId, Problem] = {}
        """Objects that our own code cannot digest."""
        self._of_flags: dict[ObjectId, tuple[Problem, ...]] = {}
        """Problems of objects that flags name."""

    def apply(self, change: Change) -> None:
        """Take up CHANGE; it takes effect with the next `compile`."""
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
        """What `names` says of NAME is not as it was."""
        with self._lock:
            self._services.name_changed(name)
            self._remotes.name_changed(name)

    def zone_found(self, zone: str) -> None:
        """We are in ZONE, whose hints in EndpointSlices are for us."""
        with self._lock:
            self._services.zone_found(zone)

    def show_generated(self, certificate: Certificate) -> None:
        """From now on have CERTIFICATE shown where there is no default certificate."""
        self._certificates.generated(certificate)

    @property
    def is_configured(self) -> bool:
        """Whether it is known what the ConfigMap of `--configmap` says."""
        return self._configured.is_known

    def bindings(self, unbound: Iterable[Unbound], bound: frozenset[Listening]) -> None:
        """From now on the proxy cannot listen on what is UNBOUND, and listens on what is BOUND."""
        self._sockets.told(unbound, bound)

    @property
    def needs_version(self) -> int:
        """Grows when `wanted` or `external_names` may be different."""
        names = self._services.external_names.version + self._remotes.names.version
        return self._certificates.secrets.version + self._references.version + names

    @property
    def wanted(self) -> frozenset[ObjectId]:
        """The Secrets and ConfigMaps that are needed."""
        return self._references.names.union(ObjectId("Secret", *key) for key in self._certificates.secrets.names)

    @property
    def external_names(self) -> frozenset[str]:
        """The names in the DNS that are needed."""
        return self._services.external_names.all() | self._remotes.names.all()

    def next_due(self) -> float | None:
        """Seconds until `compile` has something to do even if nothing changes; None: it has not."""
        dates, removals = self._certificates.secrets.next_due, (self._services.next_removal, self._remotes.next_removal)
        waits = [dates - time.time()] if dates is not None else []
        waits += [LOOK] if self._gateway_status.is_waiting else []
        waits += [removal - time.monotonic() for removal in removals if removal is not None]
        return max(0.0, min(waits)) if waits else None

    def translation(self, owner: ObjectId) -> Translation | None:
        """What OWNER asks for; None: it is not served."""
        return self._translations.get(owner)

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
            found += self._hosts.tried(ingress.id, translation)
            found += self._of_what_it_names(ingress.id, translation)
        inspected = inspection.inspected(ingress, self._settings, self._configured.current.defaults)
        return list(dict.fromkeys((*inspected, *self._as_written(found))))

    def compile(self, *, now: float | None = None, clock: float | None = None) -> Delta:
        """What is different from the last call.

        NOW (Unix seconds) judges certificates, CLOCK (monotonic) is for what goes later; by default they are read.
        """
        with self._lock:
            return self._compile(now, clock)

    def _compile(self, now: float | None, clock: float | None) -> Delta:
        delta = Delta()
        changed = self.store.take_changed()
        ingresses = changed.ingresses | self._configure(changed, delta)
        if changed.classes:
            ingresses |= self._affected(changed)
        ingresses |= self._referring(changed)
        for key in ingresses:
            self._take_ingress(key, delta)
        owners = {ObjectId("Ingress", *key) for key in ingresses}
        for owner, wires in self._stream_services.items():
            if (owner.namespace, owner.name) in changed.config_maps or owner not in self._translations:
                self._take_stream_services(owner, wires)
                owners.add(owner)
        concerned = {owner for owner in self._naming(changed) if owner.kind in TRANSLATED}
        if changed.gateways or changed.services:
            concerned |= self._gateways.affected(changed.gateways, changed.services)
        for owner in concerned:
            self._take_gateway(owner)
        owners |= concerned
        for secret in changed.secrets:
            self._certificates.secrets.changed(secret)
        for service in changed.services:
            self._services.service_changed(service)
        shared = self._backend.compile(always=bool(self._configured.current.policies))
        if shared is not None:
            delta.routes[GLOBALS] = shared
            self._hosts.default_changed(self._backend.route)

        clock = time.monotonic() if clock is None else clock
        for backends in (self._services, self._remotes):
            records, touched = backends.compile(clock)
            delta.endpoints.update(records)
            owners |= touched
        self._respeak()
        for name, host in self._hosts.settle().items():
            self._certificates.follow(name, host)
        records, touched, hosts = self._certificates.compile(time.time() if now is None else now)
        delta.tls.update(records)
        delta.tls.update(self._materials.compile())
        delta.tls.update(self._listener_options.compile())
        owners |= touched
        for host in hosts:
            self._hosts.tls_changed(host)
        records, touched = self._hosts.compile(self._certificates.has_tls)
        delta.routes.update(records)
        delta.tls.update(self._hosts.take_tls())
        owners |= touched
        records, touched = self._streams.compile()
        delta.routes.update(records)
        owners |= touched
        records, touched = self._sockets.compile()
        delta.routes.update(records)
        owners |= touched
        named = (owner for owner in owners | changed.gateways if owner.kind in WITH_STATUS)
        delta.statuses.update(self._gateway_status.compile(named, self._translations.get, clock))
        delta.services.update(self._gateway_services.compile())
        self._report(owners, changed, delta)
        self._forget(changed)
        return delta

    def _respeak(self) -> None:
        """Have endpoints spoken to as their Services say now."""
        for owner in self._services.take_respoken():
            if owner in self._translations:
                self._hosts.touch(self._translations[owner])

    def _take_ingress(self, key: Key, delta: Delta) -> None:
        """Take up the Ingress KEY as it is now."""
        ingress = self.store.ingress(key)
        owner = ObjectId("Ingress", *key)
        was_served = self._serves(owner)
        self._take(owner, lambda: self._translated(key, ingress), exists=ingress is not None)
        if self._serves(owner):
            delta.served[owner] = ingress
        elif was_served:
            delta.served[owner] = None

    def _serves(self, owner: ObjectId) -> bool:
        """Whether OWNER, an Ingress, is served."""
        translation = self._translations.get(owner)
        return translation is not None and not translation.refused

    def _take_gateway(self, owner: ObjectId) -> None:
        """Take up the Gateway or route OWNER as it is now."""

        def translated() -> Translation | None:
            new, old = self._gateways.translated(owner), self._translations.get(owner)
            return new if new != old else old  # often what it depends on is different and makes no difference

        self._take(owner, translated, exists=self._gateways.exists(owner))

    def _take_stream_services(self, owner: ObjectId, wires: tuple[Wire, ...]) -> None:
        """Take up the ConfigMap OWNER of services of these WIRES as it is now."""

        def translated() -> Translation:
            return stream_services.translate(owner, wires, self._references.find(owner), self._settings)

        self._take(owner, translated, exists=True)

    def _take(self, owner: ObjectId, translated: Callable[[], Translation | None], *, exists: bool) -> None:
        """From now on OWNER asks for what TRANSLATED gives; if that fails and OWNER EXISTS, for the same as before."""
        old = self._translations.get(owner)
        self._broken.pop(owner, None)

        def failed(fault: str) -> Translation | None:
            self._breaks(owner, fault)
            return old if exists else None

        self._put(owner, contain(owner, translated, failed))

    def _referring(self, changed: Changed) -> set[Key]:
        """The Ingresses that name Secrets and ConfigMaps that have changed."""
        return {(owner.namespace, owner.name) for owner in self._naming(changed) if owner.kind == "Ingress"}

    def _naming(self, changed: Changed) -> set[ObjectId]:
        """The objects that name Secrets and ConfigMaps that have changed."""
        return {owner for name in _referents(changed) for owner in self._references.owners(name)}

    def _forget(self, changed: Changed) -> None:
        """Forget what is needed no longer, or was when it CHANGED: the source has to report again whether it exists."""
        released = self._references.take_released() | _referents(changed)
        released.update(ObjectId("Secret", *key) for key in self._certificates.secrets.take_released())
        if self._by_need:
            for name in released:
                if not self._is_wanted(name):
                    self.store.forget(name.kind, ((name.namespace, name.name),))

    def _is_wanted(self, name: ObjectId) -> bool:
        if self._references.owners(name):
            return True
        return name.kind == "Secret" and bool(self._certificates.secrets.users((name.namespace, name.name)))

    def _put(self, owner: ObjectId, new: Translation | None) -> None:
        """From now on OWNER asks for NEW; None: for nothing."""
        old = self._translations.get(owner)
        if new is old:
            return
        order = (new or old or NOTHING).order
        self._hosts.replace(owner, old, new)
        self._listener_options.replace(old.tls_options if old else {}, new.tls_options if new else {})
        self._materials.replace(old.materials if old else (), new.materials if new else ())
        self._references.replace(owner, old.references if old else (), new.references if new else ())
        self._services.replace(owner, order, old.uses if old else (), new.uses if new else ())
        self._remotes.replace(owner, old.remotes if old else (), new.remotes if new else ())
        self._certificates.replace(owner, order, old.secrets if old else (), new.secrets if new else ())
        self._sockets.replace(owner, new.sockets if new else ())
        self._streams.replace(owner, order, old.streams if old else {}, new.streams if new else {})
        if owner.kind in WITH_STATUS:
            self._gateway_status.replace(owner, old, new)
            self._gateway_services.replace(owner, new)
        if new is None:
            del self._translations[owner]
        else:
            self._translations[owner] = new

    def _translated(self, key: Key, ingress: Ingress | None) -> Translation | None:
        if not self._claims.is_ours(key, ingress) or ingress is None:
            return None
        return self._meaning(ingress)

    def _meaning(self, ingress: Ingress) -> Translation:
        cross_namespace = self._hosts.cross_namespace
        find = self._references.find
        stream = by_settings(self._settings) if self._settings.enable_ssl_passthrough else None
        return translate(ingress, self._annotations, find, cross_namespace=cross_namespace, stream=stream)

    def _configure(self, changed: Changed, delta: Delta) -> set[Key]:
        """Take up the ConfigMap as it is now; gives the Ingresses to look at again."""
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

    def _reader(self) -> Reader:
        """What reads annotations over the values that are in force for the process."""
        self._hosts.cross_namespace = self._configured.current.defaults[CROSS_NAMESPACE][0] in TRUE
        return Reader(self._configured.current.defaults, f"{self._settings.annotations_prefix}/")

    def _affected(self, changed: Changed) -> set[Key]:
        """The Ingresses to look at again now that classes are others."""
        names = {ObjectId("IngressClass", *key) for key in changed.classes}
        if self._broken:
            changed.faults |= names & self._broken.keys()
        for name in names:
            self._broken.pop(name, None)

        def failed(fault: str) -> set[Key]:
            for name in names:
                self._breaks(name, fault)
            changed.faults.update(names)
            return set(self.store.keys("Ingress"))

        return contain(", ".join(map(str, names)), lambda: self._claims.affected(changed.classes), failed)

    def _breaks(self, owner: ObjectId, fault: str) -> None:
        self._broken[owner] = error(REASON, "", f"{fault}; the last good version, if any, stays in force")

    # --- problems -------------------------------------------------------------------------------------------------

    def _report(self, owners: set[ObjectId], changed: Changed, delta: Delta) -> None:
        """Put into DELTA all problems of those that may have others now."""
        objects = {owner for owner in owners if owner.kind} | changed.faults
        for one in objects:
            delta.problems[one] = (self.store.uid(one), tuple(self._problems(one)))
        for named in (self._backend.owner, self._default_certificate, self._configured.owner):
            problems = tuple(self._problems(named)) if named is not None else ()
            if named is not None and problems != self._of_flags.get(named, ()):
                self._of_flags[named] = problems
                delta.problems[named] = (self.store.uid(named), problems)

    def _problems(self, owner: ObjectId) -> list[Problem]:
        found = contain(owner, lambda: self._found(owner), lambda fault: [error(REASON, "", fault)])
        return self._as_written(found)

    def _as_written(self, problems: list[Problem]) -> list[Problem]:
        """PROBLEMS, with annotations named as they are in this cluster."""
        prefix = f"{self._settings.annotations_prefix}/"
        return problems if prefix == PREFIX else [_renamed(problem, prefix) for problem in problems]

    def _found(self, owner: ObjectId) -> list[Problem]:
        found = self.store.faults(owner)
        if owner in self._broken:
            found.append(self._broken[owner])
        if owner.kind == "Ingress":
            found += self._claims.problems((owner.namespace, owner.name))
        if owner in self._translations:
            found += self._problems_of(owner, self._translations[owner])
        if owner == self._backend.owner:
            found += self._backend.problems()
        if owner == self._configured.owner:
            found += self._configured.problems()
        if owner == self._default_certificate:
            found += self._certificates.default_problems()
        return list(dict.fromkeys(found))

    def _problems_of(self, owner: ObjectId, translation: Translation) -> list[Problem]:
        found = list(translation.problems)
        found += self._hosts.problems(owner, translation)
        found += self._streams.problems(owner, translation.streams)
        found += self._sockets.problems(owner)
        return found + self._of_what_it_names(owner, translation)

    def _of_what_it_names(self, owner: ObjectId, translation: Translation) -> list[Problem]:
        """What is wrong with Services, hosts of URLs and Secrets that TRANSLATION of OWNER names."""
        found = list(self._services.problems(translation.uses))
        found += self._remotes.problems(translation.remotes)
        found += self._certificates.problems(owner, translation.secrets)
        return found


def _renamed(problem: Problem, prefix: str) -> Problem:
    """PROBLEM, with annotations called by PREFIX, which is that of their names in this cluster."""
    field, message = (text.replace(PREFIX, prefix) for text in (problem.field, problem.message))
    return replace(problem, field=field, message=message)


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
