"""One watched collection of the cluster, as the sink of its reflector.

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
from typing import TYPE_CHECKING

import msgspec

from edge.control.kinds import resources
from edge.control.kinds.changes import Invalid
from edge.control.kinds.core import Namespace
from edge.control.kinds.decoding import decode
from edge.control.kinds.ingress import Ingress, IngressClass, IngressClassSpec
from edge.control.kinds.objects import Metadata, Object, ObjectError, ObjectId

if TYPE_CHECKING:
    from edge.control.api.reflector import Reflector
    from edge.control.kinds.objects import Key
    from edge.control.kinds.resources import Kind
    from edge.control.sources.cluster.feed import Feed
    from edge.control.sources.cluster.observers import Observers
    from edge.settings import Settings

logger = logging.getLogger(__name__)

REFUSALS = 3
"""Refusals in a row after which an optional kind counts as synced; roles may be created just after the start."""


def is_selective(settings: Settings) -> bool:
    """Whether only namespaces with certain labels are watched."""
    return bool(settings.watch_namespace_selector) and not settings.watch_namespace


class Together:
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

    def __init__(self, kind: Kind, feed: Feed, observers: Observers, together: Together, settings: Settings) -> None:
        self.kind = kind
        self._feed = feed
        self._observers = observers
        self._together = together
        self._settings = settings
        self._given_up = False

    def decode(self, key: Key, raw: msgspec.Raw) -> Object | Invalid:
        """The object, or what is wrong with it."""
        if self.kind.custom:
            self._observers.status_seen(ObjectId(self.kind.name, *key), raw)
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
            self._observers.ingress_seen(value)
        self._feed.put(key, value)

    def drop(self, key: Key) -> None:
        """Pass it on."""
        if self.kind is resources.NAMESPACE:
            self._feed.close(key[1], gone=True)
            self._feed.drop(self.kind.name, key)
            return
        self._feed.drop(self.kind.name, key)
        if self.kind is resources.INGRESS:
            self._observers.ingress_gone(key)
        if self.kind.custom:
            self._observers.status_gone(ObjectId(self.kind.name, *key))

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
        if self.kind.without and not (self.kind is resources.NAMESPACE and is_selective(self._settings)):
            logger.warning("going on without %s: %s", self.kind.resource, self.kind.without)
            self._given_up = True
            if self.kind is resources.INGRESS_CLASS:
                self._assume_class()
            self._is_there()

    def _assume_class(self) -> None:
        controller = self._settings.controller_class
        metadata = Metadata(name=self._assumed[1])
        self._feed.put(self._assumed, IngressClass(metadata=metadata, spec=IngressClassSpec(controller=controller)))

    @property
    def _assumed(self) -> Key:
        """The class that is assumed to be ours by its name alone."""
        return "", self._settings.ingress_class

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
