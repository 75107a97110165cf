"""A folder of manifests, a source that follows it, and ears at the end of the queue."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.control.kinds.changes import Change, Delete, Invalid, Synced, Upsert, Valid
from edge.control.kinds.ingress import Ingress
from edge.control.kinds.objects import Object, ObjectId
from edge.control.sources.files.source import FolderSource
from edge.settings import Settings
from tests.support.waiting import eventually


class Ears:
    """Hears all changes and remembers what they come to."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Change] = queue.SimpleQueue()
        self.heard: list[Change] = []
        self.objects: dict[ObjectId, Object] = {}
        self.faults: dict[str, Invalid] = {}

    def listen(self) -> list[Change]:
        """All changes so far."""
        while not self.queue.empty():
            change = self.queue.get()
            self.heard.append(change)
            if isinstance(change, Upsert):
                self.objects[change.object.id] = change.object
            elif isinstance(change, Delete):
                del self.objects[ObjectId(change.kind, change.namespace, change.name)]
            elif isinstance(change, Invalid):
                self.faults[change.where] = change
            elif isinstance(change, Valid):
                del self.faults[change.where]
        return self.heard

    def hosts(self) -> dict[str, str]:
        """Name to host of all Ingresses."""
        self.listen()
        return {
            one.metadata.name: one.spec.rules[0].host or ""
            for one in self.objects.values()
            if isinstance(one, Ingress) and one.spec.rules
        }

    def is_synced(self) -> bool:
        return any(isinstance(change, Synced) for change in self.listen())

    def messages(self) -> dict[str, str]:
        """Place to message of all faults there are."""
        self.listen()
        return {where: fault.message for where, fault in self.faults.items()}

    def deletions(self) -> list[str]:
        return [change.name for change in self.listen() if isinstance(change, Delete)]


def ingress(name: str, host: str = "", namespace: str = "demo") -> str:
    """A YAML document."""
    return f"""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  namespace: {namespace}
spec:
  rules:
  - host: {host or f"{name}.example"}
    http:
      paths:
      - {{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}
"""


def documents(*texts: str) -> str:
    return "---\n".join(texts)


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "manifests"
    path.mkdir()
    return path


@pytest.fixture
def start(ears: Ears, folder: Path) -> Iterator[Callable[..., FolderSource]]:
    """Starts a source of the folder, or of other paths."""
    sources: list[FolderSource] = []

    def begin(*paths: Path, wait: bool = True) -> FolderSource:
        settings = Settings(manifests=tuple(str(path) for path in paths or (folder,)))
        source = FolderSource(settings, ears.queue)
        sources.append(source)
        source.start()
        if wait:
            eventually(ears.is_synced)
        return source

    yield begin
    for source in sources:
        source.stop()
