"""A control plane in the test's process: compiler, publisher, state and an admin server on a free port."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any, Self

from edge.control.compiling.compiler import Compiler
from edge.control.kinds.changes import Delete, Upsert
from edge.control.publishing import default_certificate
from edge.control.publishing.publisher import Publisher
from edge.control.publishing.state import State
from edge.control.serving.admin import AdminServer
from edge.settings import Settings
from edge.table.counters import CountersReader, WorkerCounters, WorkerWord
from edge.table.writer import TableWriter
from tests.support import objects
from tests.support.world import taken

if TYPE_CHECKING:
    from pathlib import Path

Manifest = dict[str, Any]


class Admin:
    """What it is told is published at once; one worker counts."""

    def __init__(self, directory: Path, **changes: Any) -> None:
        """CHANGES: of the settings."""
        self.directory = directory
        self.settings = Settings(**{"admin": "127.0.0.1:0", "shm_dir": str(directory), **changes})
        self.compiler = Compiler(self.settings, generated=default_certificate.generate(time.time()))
        self.state = State()
        self._writer = TableWriter(directory)
        self.publisher = Publisher(self._writer, self.state)
        self.worker = WorkerCounters(directory)
        self.reader = CountersReader(directory)
        self.server = AdminServer(self.state, self.reader, self.settings, directory, find=self.compiler.store.get)
        self.apply(objects.ingress_class())

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self.worker.close()
        self._writer.close()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.server.address.host, self.server.address.port

    def apply(self, *manifests: Manifest) -> None:
        """These objects are there, as they are here."""
        self._tell(*(Upsert(taken(one)) for one in manifests))

    def delete(self, kind: str, name: str, namespace: str = "demo") -> None:
        """An object is gone."""
        self._tell(Delete(kind, namespace, name))

    def _tell(self, *changes: Any) -> None:
        for change in changes:
            self.state.history.heard(change)
            self.compiler.apply(change)
        self.publisher.add(self.compiler.compile())
        self.publisher.publish(self.compiler.store.counts())
        self.worker.set(WorkerWord.GENERATION, self.state.generation)

    def request(
        self, path: str, *, method: str = "GET", body: bytes | None = None, **fields: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, header fields and body of the answer; FIELDS of the request have `_` for `-`."""
        connection = http.client.HTTPConnection(*self.address, timeout=40)
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        found = response.read()
        connection.close()
        return response.status, response.headers, found

    def get(self, path: str, status: int = 200, **fields: str) -> Any:
        """The JSON at PATH, which is answered with STATUS."""
        found, headers, body = self.request(path, **fields)
        assert found == status, body
        assert headers["Content-Type"] == "application/json"
        return json.loads(body)
