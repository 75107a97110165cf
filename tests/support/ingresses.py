"""A real data plane under the table that a control plane makes of manifests: each `put` holds from the next request."""

from __future__ import annotations

import itertools
from typing import Any

from edge.control.compiling.compiler import Compiler
from edge.control.kinds.changes import Delete, Upsert
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem
from edge.settings import Settings
from edge.table.records import DEFAULT_CERTIFICATE
from tests.support import objects
from tests.support.backends import Listener
from tests.support.site import ingress
from tests.support.stage import Stage
from tests.support.world import Manifest, taken

_numbers = itertools.count(1)


class Annotated(Stage):
    """A context manager. The Service `web` is behind every path unless a test says otherwise."""

    def __init__(self, *flags: str, settings: Settings | None = None) -> None:
        """FLAGS are the data plane's, SETTINGS the control plane's."""
        super().__init__(*flags)
        self._compiler = Compiler(settings or Settings())
        self.problems: dict[ObjectId, tuple[Problem, ...]] = {}

    def put(self, *manifests: Manifest) -> None:
        """These objects are there, as they are here."""
        for one in manifests:
            self._compiler.apply(Upsert(taken(one)))
        self._publish()

    def delete(self, kind: str, name: str) -> None:
        """An object is gone."""
        self._compiler.apply(Delete(kind, "demo", name))
        self._publish()

    def _publish(self) -> None:
        delta = self._compiler.compile()
        tls = {key: record for key, record in delta.tls.items() if key != DEFAULT_CERTIFICATE}  # that is the stage's
        self._writer.publish(routes=delta.routes, endpoints=delta.endpoints, tls=tls)
        for owner, (_, problems) in delta.problems.items():
            self.problems[owner] = problems

    def service(self, name: str, *backends: Listener) -> None:
        """The Service NAME has BACKENDS as its endpoints."""
        slices = [
            objects.endpoints(name, one.host, port=one.port, suffix=str(number)) for number, one in enumerate(backends)
        ]
        self.put(objects.ingress_class(), objects.service(name, target="http"), *slices)

    def secret(self, name: str, **data: bytes) -> None:
        """The Secret NAME holds DATA."""
        self.put(objects.secret(name, **data))

    def ingress(self, rules: str = "@ Prefix / web", *, name: str = "", host: str = "", **rest: Any) -> str:
        """A new Ingress with RULES as `tests.support.site.ingress` has them, `@` being HOST or a new one; gives it.

        REST: annotations by their short name, with `_` for `-`; `tls` as the API has it.
        """
        host = host or f"annotated{next(_numbers)}.example"
        name = name or f"{host.partition('.')[0]}-{next(_numbers)}"
        tls = rest.pop("tls", None)
        annotate = {key.replace("_", "-"): value for key, value in rest.items()}
        self.put(ingress(name, rules.replace("@", host), annotate=annotate, tls=tls))
        self.last = ObjectId("Ingress", "demo", name)
        return host

    def reasons(self) -> list[str]:
        """Reasons of the problems of the Ingress that was put last."""
        return [problem.reason for problem in self.problems.get(self.last, ())]
