"""The cluster as a source of changes: one watch per kind, all into one feed.

Rules of this file:
- An optional kind that Edge may not list counts as synced after a few refusals, so that it does not delay the others.
  Its watch keeps trying, so a permission that is granted later takes effect without a restart.
- Without permission to list IngressClasses, Edge assumes that the one named by `--ingress-class` exists and is ours.
- With a namespace selector and no permission to list namespaces nothing is served, because other namespaces must not
  be.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from edge.control.api import configuration
from edge.control.api.reflector import Reflector
from edge.control.api.transport import Transport
from edge.control.kinds import resources
from edge.control.kinds.changes import Change, Invalid
from edge.control.kinds.core import Namespace
from edge.control.kinds.decoding import decode
from edge.control.kinds.ingress import Ingress, IngressClass, IngressClassSpec
from edge.control.kinds.objects import Metadata, Object, ObjectError, ObjectId
from edge.control.kinds.services import SERVICE_NAME_LABEL
from edge.control.sources.cluster.feed import Feed
from edge.control.sources.cluster.needs import Needs

if TYPE_CHECKING:
    import queue
    from collections.abc import Iterator

    from edge.control.api.list_watch import Timing
    from edge.control.kinds.objects import Key
    from edge.control.kinds.resources import Collection, Kind
    from edge.settings import Settings

logger = logging.getLogger(__name__)

_NAMED: Final = {
    resources.SECRET.name: ("default_ssl_certificate",),
    resources.CONFIG_MAP.name: ("configmap", "tcp_services_configmap", "udp_services_configmap"),
}
"""Settings that name an object of a kind, which may be in another namespace than the one that is watched."""
ABSENT = 10.0
"""Seconds between two attempts to list a kind whose CustomResourceDefinition is missing."""
REFUSALS = 3
"""Refusals in a row after which an optional kind counts as synced; roles may be created just after the start."""


class IngressObserver(Protocol):
    """Sees each Ingress with its status, also those that the feed holds back."""

    def seen(self, ingress: Ingress) -> None:
        """INGRESS exists in this version."""

    def gone(self, key: Key) -> None:
        """It is deleted."""


class StatusObserver(Protocol):
    """Sees each object of the custom kinds as the API server has it, also those that the feed holds back."""

    def seen(self, name: ObjectId, raw: msgspec.Raw) -> None:
        """The object exists as RAW, which is JSON."""

    def gone(self, name: ObjectId) -> None:
        """It is deleted."""


class KubernetesSource:
    """Puts what the cluster holds into CHANGES."""

    def __init__(
        self,
        settings: Settings,
        changes: queue.SimpleQueue[Change],
        *,
        transport: Transport | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Read the configuration; no request is made yet.

        Raises:
            ConfigurationError: there is no cluster to watch.
        """
        self.transport = transport or Transport(lambda: configuration.load(settings))
        self.observers: list[IngressObserver] = []
        """Filled before `start`."""
        self.status_observers: list[StatusObserver] = []
        """Filled before `start`."""
        self._settings = settings
        self._timing = timing
        self._selective = bool(settings.watch_namespace_selector) and not settings.watch_namespace
        backend = settings.default_backend_service.partition("/")[0]
        exempt = {(kind.name, backend) for kind in (resources.SERVICE, resources.ENDPOINT_SLICE) if backend}
        self._feed = Feed(changes, selective=self._selective, exempt=exempt)
        self._watches = [watch for kind in WATCHED for watch in self._make(kind)]
        self._secrets = self._needs(resources.SECRET)
        self._configmaps = self._needs(resources.CONFIG_MAP)

    def start(self) -> None:
        """Begin in threads of its own."""
        for watch in self._watches:
            watch.reflector.start()
        self._secrets.start()
        self._configmaps.start()

    def stop(self) -> None:
        """Send nothing more."""
        self._feed.mute()
        self._secrets.stop()
        self._configmaps.stop()
        for watch in self._watches:
            watch.reflector.stop()
        for watch in self._watches:
            watch.reflector.join(1.0)
        self.transport.close()

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind is reported as synced once, also optional kinds that may not be listed."""
        return frozenset(kind.name for kind in (*WATCHED, resources.SECRET, resources.CONFIG_MAP))

    @property
    def by_need(self) -> bool:
        """Secrets and ConfigMaps are read when they are wanted."""
        return True

    def want(self, names: frozenset[ObjectId], *, settled: bool) -> None:
        """Read and follow these Secrets and ConfigMaps and no others; SETTLED: the first table needs no more."""
        for needs in (self._secrets, self._configmaps):
            needs.want(
                frozenset((name.namespace, name.name) for name in names if name.kind == needs.kind), settled=settled
            )

    def watches(self, namespace: str) -> bool:
        """Whether NAMESPACE is the one that is watched, or is selected."""
        if self._settings.watch_namespace:
            return namespace == self._settings.watch_namespace
        return not self._selective or self._feed.is_open(namespace)

    def unsynced(self) -> tuple[str, ...]:
        """The kinds that have not been read in full, each with the reason where there is one."""
        missing = []
        for kind in (*WATCHED, resources.SECRET, resources.CONFIG_MAP):
            if not self._feed.is_synced(kind.name):
                troubles = [watch.reflector.trouble for watch in self._watches if watch.kind is kind]
                reason = next(filter(None, troubles), "") or self._needs_trouble(kind)
                missing.append(f"{kind.name}: {reason}" if reason else kind.name)
        return tuple(missing)

    def _needs_trouble(self, kind: Kind) -> str:
        needs = {resources.SECRET.name: self._secrets, resources.CONFIG_MAP.name: self._configmaps}.get(kind.name)
        return needs.trouble if needs is not None else ""

    def _needs(self, kind: Kind) -> Needs:
        only = self._settings.watch_namespace
        collection = kind.collection(only, metadata_only=True)
        named = (getattr(self._settings, name).partition("/") for name in _NAMED[kind.name])
        further = {
            (namespace, name): kind.collection(namespace, name=name, metadata_only=True)
            for namespace, _, name in named
            if only and name and namespace != only
        }
        return Needs(self.transport, kind, collection, self._feed, further=further, timing=self._timing)

    def _make(self, kind: Kind) -> Iterator[Watch]:
        together = _Together()
        for collection in self._collections(kind):
            watch = Watch(self, kind, together)
            watch.reflector = Reflector(
                self.transport, collection, watch, timing=self._timing, absent_for=ABSENT if kind.custom else None
            )
            together.count += 1
            yield watch

    def _collections(self, kind: Kind) -> Iterator[Collection]:
        only = self._settings.watch_namespace
        if kind is resources.NAMESPACE:
            yield kind.collection(name=only, labels="" if only else self._settings.watch_namespace_selector)
            return
        yield kind.collection(only if kind.namespaced else "")
        namespace, _, name = self._settings.default_backend_service.partition("/")
        if only and name and namespace != only:  # the default backend is outside of what we watch
            if kind is resources.SERVICE:
                yield kind.collection(namespace, name=name)
            if kind is resources.ENDPOINT_SLICE:
                yield kind.collection(namespace, labels=f"{SERVICE_NAME_LABEL}={name}")


WATCHED = (
    resources.NAMESPACE,
    resources.INGRESS_CLASS,
    resources.SERVICE,
    resources.ENDPOINT_SLICE,
    resources.INGRESS,
    resources.GATEWAY_CLASS,
    resources.GATEWAY,
    resources.LISTENER_SET,
    resources.BACKEND_TLS_POLICY,
    *resources.ROUTES,
    resources.REFERENCE_GRANT,
)
"""Kinds that are watched as a whole."""


class _Together:
    """The watches of one kind, which is synced when all of them are."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def one_less(self) -> bool:
        """One more watch is synced; whether it was the last."""
        with self._lock:
            self.count -= 1
            return self.count == 0


class Watch:
    """Passes one collection to the feed: the sink of a reflector."""

    reflector: Reflector[Object | Invalid]

    def __init__(self, source: KubernetesSource, kind: Kind, together: _Together) -> None:
        self.kind = kind
        self._source = source
        self._feed = source._feed  # noqa: SLF001  # two classes of one file
        self._together = together
        self._given_up = False

    def decode(self, key: Key, raw: msgspec.Raw) -> Object | Invalid:
        """The object, or what is wrong with it."""
        if self.kind.custom:
            for observer in self._source.status_observers:
                observer.seen(ObjectId(self.kind.name, *key), raw)
        try:
            return decode(raw, self.kind.name)
        except ObjectError as error:
            return Invalid(self.kind.path_of(key), self.kind.name, *key, str(error))

    def put(self, key: Key, value: Object | Invalid) -> None:
        """Pass it on."""
        if isinstance(value, Namespace):
            self._namespace(value)
            return
        if isinstance(value, Ingress):
            for observer in self._source.observers:
                observer.seen(value)
        self._feed.put(key, value)

    def drop(self, key: Key) -> None:
        """Pass it on."""
        if self.kind is resources.NAMESPACE:
            self._feed.close(key[1], gone=True)
            self._feed.drop(self.kind.name, key)
            return
        self._feed.drop(self.kind.name, key)
        if self.kind is resources.INGRESS:
            for observer in self._source.observers:
                observer.gone(key)
        if self.kind.custom:
            for status_observer in self._source.status_observers:
                status_observer.gone(ObjectId(self.kind.name, *key))

    def synced(self) -> None:
        """This watch is synced; the kind is when all its watches are."""
        if not self._given_up:
            self._is_there()
        elif self.kind is resources.INGRESS_CLASS and self.reflector.version_of(self._assumed) is None:
            self._feed.drop(self.kind.name, self._assumed)

    def refused(self, times: int) -> None:
        """Go on without the kind if that is possible."""
        if times < REFUSALS or self._given_up or self.reflector.has_synced:
            return
        if self.kind.without and not (self.kind is resources.NAMESPACE and self._source._selective):  # noqa: SLF001
            logger.warning("going on without %s: %s", self.kind.resource, self.kind.without)
            self._given_up = True
            if self.kind is resources.INGRESS_CLASS:
                self._assume_class()
            self._is_there()

    def _assume_class(self) -> None:
        controller = self._source._settings.controller_class  # noqa: SLF001
        metadata = Metadata(name=self._assumed[1])
        self._feed.put(self._assumed, IngressClass(metadata=metadata, spec=IngressClassSpec(controller=controller)))

    @property
    def _assumed(self) -> Key:
        """The class that is assumed to be ours by its name alone."""
        return "", self._source._settings.ingress_class  # noqa: SLF001

    def _is_there(self) -> None:
        if not self._together.one_less():
            return
        if self.kind is resources.NAMESPACE:
            self._feed.namespaces_known()
        else:
            self._feed.synced(self.kind.name)

    def _namespace(self, namespace: Namespace) -> None:
        terminating = namespace.metadata.deletion_timestamp or (
            namespace.status is not None and namespace.status.phase == "Terminating"
        )
        if terminating:
            self._feed.close(namespace.metadata.name, gone=False)
        else:
            self._feed.open(namespace.metadata.name)
        self._feed.put(("", namespace.metadata.name), msgspec.structs.replace(namespace, status=None))
