"""The units of this package, and the translations that they compile.

Rules of this file:
- A translation replaces that of its owner in every unit at once, so no unit lags behind another.
- Units compile in the order in which they depend on each other: endpoints, certificates, hosts, streams, sockets, and
  then the status that follows from all of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from edge.control.compiling.gateway_services import GatewayServices
from edge.control.compiling.gateway_status import GatewayStatus
from edge.control.compiling.gateways import WITH_STATUS
from edge.control.compiling.hosts import Hosts
from edge.control.compiling.listener_options import ListenerOptions
from edge.control.compiling.materials import Materials
from edge.control.compiling.references import References
from edge.control.compiling.remotes import Remotes
from edge.control.compiling.server_names import Certificates
from edge.control.compiling.service_ports import Services
from edge.control.compiling.sockets import Sockets
from edge.control.compiling.streams import Streams
from edge.control.compiling.unguarded import Unguarded
from edge.control.kinds.objects import ObjectId
from edge.control.translate.parts import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.compiling.delta import Delta
    from edge.control.compiling.dns_names import Names
    from edge.control.compiling.store import Changed, Store
    from edge.control.kinds.objects import Key
    from edge.control.kinds.problems import Problem
    from edge.control.translate.parts import Translation
    from edge.settings import Settings
    from edge.table.records import Certificate

LOOK: Final = 0.1
"""Seconds between two checks whether the proxy has opened sockets that a status waits for."""


class Units:
    """All units, over the objects of a store."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        names: Names,
        *,
        by_need: bool,
        default: Key | None,
        generated: Certificate | None,
    ) -> None:
        """DEFAULT: the Secret of the default certificate; the others are those of `Compiler`."""
        self.translations: dict[ObjectId, Translation] = {}
        """What owners ask for."""
        self.services = Services(store, settings, names)
        self.hosts = Hosts(self.services.app_protocol)
        self.references = References(store, by_need=by_need)
        self.remotes = Remotes(names)
        self.certificates = Certificates(store, by_need=by_need, default=default, generated=generated)
        self.sockets = Sockets()
        self.streams = Streams()
        self.unguarded = Unguarded()
        self._listener_options = ListenerOptions()
        self._materials = Materials()
        self._gateway_status = GatewayStatus(store, settings, self.certificates.secrets, self.sockets.verdicts)
        self._gateway_services = GatewayServices()

    # --- what is needed -------------------------------------------------------------------------------------------

    @property
    def needs_version(self) -> int:
        """Incremented when `wanted` or `external_names` may have changed."""
        names = self.services.external_names.version + self.remotes.names.version
        return self.certificates.secrets.version + self.references.version + names

    @property
    def wanted(self) -> frozenset[ObjectId]:
        """The Secrets and ConfigMaps that are needed."""
        return self.references.names.union(ObjectId("Secret", *key) for key in self.certificates.secrets.names)

    @property
    def external_names(self) -> frozenset[str]:
        """The names in the DNS that are needed."""
        return self.services.external_names.all() | self.remotes.names.all()

    def is_wanted(self, name: ObjectId) -> bool:
        """Whether the Secret or ConfigMap NAME is needed."""
        if self.references.owners(name):
            return True
        return name.kind == "Secret" and bool(self.certificates.secrets.users((name.namespace, name.name)))

    def take_released(self) -> set[ObjectId]:
        """The Secrets and ConfigMaps that an owner has stopped using since the last call."""
        released = self.references.take_released()
        return released.union(ObjectId("Secret", *key) for key in self.certificates.secrets.take_released())

    def next_due(self) -> float | None:
        """Seconds until `compile` has work even without a change; None: it has none."""
        dates, removals = self.certificates.secrets.next_due, (self.services.next_removal, self.remotes.next_removal)
        waits = [dates - time.time()] if dates is not None else []
        waits += [LOOK] if self._gateway_status.is_waiting else []
        waits += [removal - time.monotonic() for removal in removals if removal is not None]
        return max(0.0, min(waits)) if waits else None

    # --- changes --------------------------------------------------------------------------------------------------

    def replace(self, owner: ObjectId, new: Translation | None) -> None:
        """From now on OWNER asks for NEW; None: for nothing."""
        old = self.translations.get(owner)
        if new is old:
            return
        order = (new or old or NOTHING).order
        self.hosts.replace(owner, old, new)
        self._listener_options.replace(old.tls_options if old else {}, new.tls_options if new else {})
        self._materials.replace(old.materials if old else (), new.materials if new else ())
        self.references.replace(owner, old.references if old else (), new.references if new else ())
        self.services.replace(owner, order, old.uses if old else (), new.uses if new else ())
        self.remotes.replace(owner, old.remotes if old else (), new.remotes if new else ())
        self.certificates.replace(owner, order, old.secrets if old else (), new.secrets if new else ())
        self.sockets.replace(owner, new.sockets if new else ())
        self.streams.replace(owner, order, old.streams if old else {}, new.streams if new else {})
        self.unguarded.replace(owner, new)
        if owner.kind in WITH_STATUS:
            self._gateway_status.replace(owner, old, new)
            self._gateway_services.replace(owner, new)
        if new is None:
            del self.translations[owner]
        else:
            self.translations[owner] = new

    def is_served(self, owner: ObjectId) -> bool:
        """Whether OWNER, an Ingress, is served."""
        translation = self.translations.get(owner)
        return translation is not None and not translation.refused

    def changed(self, changed: Changed) -> None:
        """Secrets and Services have CHANGED."""
        for secret in changed.secrets:
            self.certificates.secrets.changed(secret)
        for service in changed.services:
            self.services.service_changed(service)

    # --- results --------------------------------------------------------------------------------------------------

    def compile(self, delta: Delta, now: float, clock: float) -> set[ObjectId]:
        """Add the records that differ to DELTA; returns the owners whose problems may differ.

        NOW and CLOCK: see `Compiler.compile`.
        """
        owners: set[ObjectId] = set()
        for backends in (self.services, self.remotes):
            records, touched = backends.compile(clock)
            delta.endpoints.update(records)
            owners |= touched
        for owner in self.services.take_respoken():
            if owner in self.translations:
                self.hosts.touch(self.translations[owner])
        owners |= self._compile_tls(delta, now)
        records, touched = self.hosts.compile(self.certificates.has_tls)
        delta.routes.update(records)
        delta.tls.update(self.hosts.take_tls())
        owners |= touched
        for sockets in (self.streams, self.sockets):
            records, touched = sockets.compile()
            delta.routes.update(records)
            owners |= touched
        return owners

    def _compile_tls(self, delta: Delta, now: float) -> set[ObjectId]:
        for name, host in self.hosts.settle().items():
            self.certificates.follow(name, host)
        records, touched, hosts = self.certificates.compile(now)
        delta.tls.update(records)
        delta.tls.update(self._materials.compile())
        delta.tls.update(self._listener_options.compile())
        for host in hosts:
            self.hosts.tls_changed(host)
        return touched

    def compile_status(self, delta: Delta, touched: set[ObjectId], clock: float) -> None:
        """Put into DELTA the status of TOUCHED objects and of others, and the Services of Gateways, if different."""
        named = (owner for owner in touched if owner.kind in WITH_STATUS)
        delta.statuses.update(self._gateway_status.compile(named, self.translations.get, clock))
        delta.services.update(self._gateway_services.compile())

    def problems(self, owner: ObjectId) -> Iterator[Problem]:
        """The problems of what OWNER asks for."""
        translation = self.translations.get(owner)
        if translation is None:
            return
        yield from translation.problems
        yield from self.hosts.problems(owner, translation)
        yield from self.streams.problems(owner, translation.streams)
        yield from self.sockets.problems(owner)
        yield from self.named_problems(owner, translation)

    def named_problems(self, owner: ObjectId, translation: Translation) -> Iterator[Problem]:
        """The problems of Services, hosts of URLs and Secrets that TRANSLATION of OWNER names."""
        yield from self.services.problems(translation.uses)
        yield from self.remotes.problems(translation.remotes)
        yield from self.certificates.problems(owner, translation.secrets)
