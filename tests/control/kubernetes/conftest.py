"""A fake cluster for each test, and ears at the end of the queue."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.control.changes import Change, Delete, Invalid, Synced, Upsert
from edge.control.kubernetes import configuration
from edge.control.kubernetes.reflector import Timing
from edge.control.kubernetes.source import KubernetesSource
from edge.control.kubernetes.transport import Transport
from edge.control.objects import Object, ObjectId
from edge.settings import Settings
from tests.support.fakeapi import FakeAPI
from tests.support.fakeapi.server import eventually


class Ears:
    """Hears all changes and remembers what they come to."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Change] = queue.SimpleQueue()
        self.heard: list[Change] = []
        self.objects: dict[ObjectId, Object] = {}

    def listen(self) -> list[Change]:
        """All changes so far."""
        while not self.queue.empty():
            change = self.queue.get()
            self.heard.append(change)
            if isinstance(change, Upsert):
                self.objects[change.object.id] = change.object
            elif isinstance(change, Delete):
                self.objects.pop(ObjectId(change.kind, change.namespace, change.name), None)
        return self.heard

    def names(self, kind: str) -> set[str]:
        """`namespace/name` of the objects of KIND that exist by now."""
        self.listen()
        return {f"{one.namespace}/{one.name}" for one in self.objects if one.kind == kind}

    def synced(self) -> set[str]:
        return {change.kind for change in self.listen() if isinstance(change, Synced)}

    def faults(self) -> list[Invalid]:
        return [change for change in self.listen() if isinstance(change, Invalid)]

    def forget(self) -> None:
        """Hear from here on."""
        self.listen()
        self.heard.clear()

    def until(self, condition: Callable[[], object], timeout: float = 10.0) -> None:
        eventually(lambda: (self.listen(), condition())[1], timeout=timeout)


@pytest.fixture
def api() -> Iterator[FakeAPI]:
    with FakeAPI() as server:
        yield server


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def settings(api: FakeAPI, tmp_path: Path) -> Settings:
    return Settings(kubeconfig=str(api.kubeconfig(tmp_path / "kubeconfig")))


@pytest.fixture
def transport(settings: Settings) -> Iterator[Transport]:
    one = Transport(lambda: configuration.load(settings))
    yield one
    one.close()


@pytest.fixture
def start(settings: Settings, ears: Ears) -> Iterator[Callable[..., KubernetesSource]]:
    """Starts a source with other settings; it is stopped after the test."""
    sources: list[KubernetesSource] = []

    def begin(*, timing: Timing | None = None, **changes: object) -> KubernetesSource:
        source = KubernetesSource(settings.with_(**changes), ears.queue, timing=timing)
        sources.append(source)
        source.start()
        source.want(frozenset(), settled=True)
        return source

    yield begin
    for source in sources:
        source.stop()
