"""A fake cluster for each test, and ears at the end of the queue."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.control.answers.cluster import Cluster
from edge.control.api import configuration
from edge.control.api.backoff import Backoff
from edge.control.api.lease import Term
from edge.control.api.list_watch import Timing
from edge.control.api.transport import Transport
from edge.control.compiling.delta import Delta
from edge.control.kinds.changes import Change, Delete, Invalid, Synced, Upsert
from edge.control.kinds.decoding import convert
from edge.control.kinds.ingress import Ingress
from edge.control.kinds.objects import Object, ObjectId
from edge.control.kinds.problems import Problem
from edge.control.publishing.state import State
from edge.control.sources.cluster.source import KubernetesSource
from edge.settings import Settings
from tests.support.fakeapi import FakeAPI
from tests.support.objects import namespace
from tests.support.waiting import eventually


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
            if isinstance(change, Upsert) and change.object.kind == "Namespace":
                continue  # all tests have some, and few look at their labels
            if isinstance(change, Delete) and change.kind == "Namespace":
                continue
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

    def until(self, condition: Callable[[], object], timeout: float = 40.0) -> None:
        eventually(lambda: (self.listen(), condition())[1], timeout=timeout)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries that fail are repeated sooner than elsewhere."""
    monkeypatch.setitem(Backoff.__init__.__kwdefaults__, "base", 0.1)


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


QUICK = Term(duration=2, deadline=1.5, retry=0.3)


class Instance:
    """One instance of Edge as the cluster sees it: a source, a state that the test writes, and what answers back."""

    def __init__(self, api: FakeAPI, settings: Settings) -> None:
        self.api = api
        self.source = KubernetesSource(settings, queue.SimpleQueue())
        self.state = State()
        self.cluster = Cluster(settings, self.state, self.source, term=QUICK)

    def start(self) -> None:
        self.source.start()
        self.cluster.start()

    def stop(self) -> None:
        self.cluster.stop()
        self.source.stop()

    def leads(self) -> bool:
        return self.cluster.election.leads

    def round(self, delta: Delta) -> None:
        """A round of the compiler, as the control plane tells it."""
        result = self.state.commit(delta, {})
        for listener in self.state.listeners:
            listener(result)

    def serve(self, *names: str, namespace: str = "demo") -> None:
        """The routing table holds these Ingresses from now on."""
        served: dict[ObjectId, Ingress | None] = {}
        for name in names:
            stored = self.api.store.get("Ingress", namespace, name)
            assert stored is not None
            decoded = convert(stored, "Ingress")
            assert isinstance(decoded, Ingress)
            served[decoded.id] = decoded
        self.round(Delta(served=served))

    def forget(self, *names: str, namespace: str = "demo") -> None:
        """The routing table holds them no longer."""
        self.round(Delta(served={ObjectId("Ingress", namespace, name): None for name in names}))

    def problems(self, name: str, *problems: Problem, namespace: str = "demo", uid: str = "") -> None:
        """These, and no others, are the problems of the Ingress."""
        stored = self.api.store.get("Ingress", namespace, name)
        uid = uid or (stored["metadata"]["uid"] if stored is not None else "")
        self.round(Delta(problems={ObjectId("Ingress", namespace, name): (uid, problems)}))


Instances = Callable[..., Instance]


@pytest.fixture
def instance(api: FakeAPI, settings: Settings) -> Iterator[Instances]:
    """Starts an instance; it is stopped after the test unless that did so."""
    running: list[Instance] = []

    def begin(**changes: object) -> Instance:
        one = Instance(api, settings.with_(election_namespace="edge", **changes))
        running.append(one)
        one.start()
        return one

    api.apply(namespace("edge"))
    yield begin
    for one in running:
        one.stop()
