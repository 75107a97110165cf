"""A compiler with its results so far: objects in, table and problems out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from edge.control.compiling.compiler import Compiler
from edge.control.kinds.changes import Change, Delete, Upsert
from edge.control.kinds.decoding import decode
from edge.control.kinds.objects import Object, ObjectId
from edge.control.kinds.problems import Problem
from edge.settings import Settings
from edge.table.record import Record
from edge.table.records import Host, Route, ServicePort, service_key
from tests.support import objects

Manifest = dict[str, Any]
NOW = 1_800_000_000.0
"""Unix seconds at which worlds live unless told otherwise; certificates of tests are not valid then."""


def taken(manifest: Manifest) -> Object:
    """MANIFEST as a source tells it."""
    return decode(msgspec.json.encode(manifest), manifest["kind"])


class World:
    """What a control plane with SETTINGS makes of the objects that it is told."""

    def __init__(self, settings: Settings | None = None, *, with_class: bool = True, **compiler: Any) -> None:
        """WITH_CLASS: there is the IngressClass `edge` from the beginning."""
        self.compiler = Compiler(settings or Settings(), **compiler)
        self.routes: dict[str, Record] = {}
        self.endpoints: dict[str, Record] = {}
        self.tls: dict[str, Record] = {}
        self.problems: dict[ObjectId, tuple[Problem, ...]] = {}
        self.served: set[ObjectId] = set()
        self._changed: dict[str, dict[str, Record | None]] = {}
        if with_class:
            self.apply(objects.ingress_class())

    def apply(self, *manifests: Manifest, **when: float) -> World:
        """These objects are there, as they are here."""
        return self.tell([Upsert(taken(one)) for one in manifests], **when)

    def delete(self, kind: str, name: str, namespace: str = "demo") -> World:
        """An object is gone."""
        return self.tell([Delete(kind, namespace, name)])

    def tell(self, changes: Iterable[Change] = (), **when: float) -> World:
        """Apply CHANGES and compile; WHEN: as `Compiler.compile` takes it."""
        for change in changes:
            self.compiler.apply(change)
        delta = self.compiler.compile(**when)
        for part, ours, theirs in (
            ("routes", self.routes, delta.routes),
            ("endpoints", self.endpoints, delta.endpoints),
            ("tls", self.tls, delta.tls),
        ):
            self._changed.setdefault(part, {}).update(theirs)
            for key, record in theirs.items():
                if record is None:
                    ours.pop(key, None)
                else:
                    ours[key] = record
        for owner, (_, problems) in delta.problems.items():
            self.problems.pop(owner, None)
            if problems:
                self.problems[owner] = problems
        for owner, ingress in delta.served.items():
            (self.served.discard if ingress is None else self.served.add)(owner)
        return self

    def take(self, part: str) -> dict[str, Record | None]:
        """The records of PART that are different since the last call; None: gone."""
        return self._changed.pop(part, {})

    # --- what tests ask -------------------------------------------------------------------------------------------

    def host(self, name: str) -> Host:
        """The record of the host NAME."""
        record = self.routes[name]
        assert isinstance(record, Host)
        return record

    def route(self, host: str, path: str = "/") -> Route:
        """The one route of HOST with PATH."""
        (found,) = [route for route in self.host(host).routes if route.path == path]
        return found

    def service(self, name: str, port: int | str = 80, namespace: str = "demo") -> ServicePort:
        """The record of a Service's port."""
        record = self.endpoints[service_key(namespace, name, port)]
        assert isinstance(record, ServicePort)
        return record

    def addresses(self, name: str, port: int | str = 80) -> list[str]:
        """The endpoints of a Service's port as text."""
        return [f"{one.address}:{one.port}" for one in self.service(name, port).endpoints]

    def reasons(self, name: str = "web", namespace: str = "demo") -> list[str]:
        """Reasons of the problems of an Ingress."""
        return [problem.reason for problem in self.problems_of(name, namespace)]

    def problems_of(self, name: str = "web", namespace: str = "demo") -> tuple[Problem, ...]:
        """The problems of an Ingress."""
        return self.problems.get(ObjectId("Ingress", namespace, name), ())
