"""The cluster as a source of changes: one watch per kind, all into one feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.api import configuration
from edge.control.api.reflector import Reflector
from edge.control.api.transport import Transport
from edge.control.kinds import resources
from edge.control.kinds.services import SERVICE_NAME_LABEL
from edge.control.sources.cluster.feed import Feed
from edge.control.sources.cluster.needs import Needs
from edge.control.sources.cluster.observers import Observers
from edge.control.sources.cluster.watch import Together, Watch, is_selective

if TYPE_CHECKING:
    import queue
    from collections.abc import Iterator

    from edge.control.api.list_watch import Timing
    from edge.control.kinds.changes import Change
    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.resources import Collection, Kind
    from edge.settings import Settings

_NAMED: Final = {
    resources.SECRET.name: ("default_ssl_certificate",),
    resources.CONFIG_MAP.name: ("configmap", "tcp_services_configmap", "udp_services_configmap"),
}
"""Settings that name an object of a kind, which may be in another namespace than the one that is watched."""
ABSENT = 10.0
"""Seconds between two attempts to list a kind whose CustomResourceDefinition is missing."""


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
        self.observers = Observers()
        self._settings = settings
        self._timing = timing
        self._selective = is_selective(settings)
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
        together = Together()
        for collection in self._collections(kind):
            watch = Watch(kind, self._feed, self.observers, together, self._settings)
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
