"""Who sees the objects of the cluster as the API server has them, also those that the feed holds back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import msgspec

    from edge.control.kinds.ingress import Ingress
    from edge.control.kinds.objects import Key, ObjectId


class IngressObserver(Protocol):
    """Sees each Ingress with its status."""

    def seen(self, ingress: Ingress) -> None:
        """INGRESS exists in this version."""

    def gone(self, key: Key) -> None:
        """It is deleted."""


class StatusObserver(Protocol):
    """Sees each object of the custom kinds."""

    def seen(self, name: ObjectId, raw: msgspec.Raw) -> None:
        """The object exists as RAW, which is JSON."""

    def gone(self, name: ObjectId) -> None:
        """It is deleted."""


class Observers:
    """Those of one source; filled before it starts."""

    def __init__(self) -> None:
        self.of_ingresses: list[IngressObserver] = []
        self.of_statuses: list[StatusObserver] = []

    def ingress_seen(self, ingress: Ingress) -> None:
        """INGRESS exists in this version."""
        for observer in self.of_ingresses:
            observer.seen(ingress)

    def ingress_gone(self, key: Key) -> None:
        """The Ingress KEY is deleted."""
        for observer in self.of_ingresses:
            observer.gone(key)

    def status_seen(self, name: ObjectId, raw: msgspec.Raw) -> None:
        """The object NAME of a custom kind exists as RAW, which is JSON."""
        for observer in self.of_statuses:
            observer.seen(name, raw)

    def status_gone(self, name: ObjectId) -> None:
        """The object NAME of a custom kind is deleted."""
        for observer in self.of_statuses:
            observer.gone(name)
