"""A real data plane under what the control plane makes of manifests and of ingress-nginx's ConfigMap."""

from __future__ import annotations

import itertools
from typing import Any

from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem
from edge.settings import Settings
from tests.support import objects
from tests.support.annotated import annotated
from tests.support.backends import Listener
from tests.support.clients import Response
from tests.support.stage import Stage
from tests.support.world import Manifest, World

NAME = "ingress/controller"
OWNER = ObjectId("ConfigMap", *NAME.split("/"))
_names = itertools.count(1)


def config_map(data: dict[str, str], name: str = NAME) -> Manifest:
    """A ConfigMap with DATA."""
    namespace, _, own = name.partition("/")
    metadata = {"name": own, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


class Configured:
    """A world whose table STAGE serves. The ConfigMap is empty until it is `configure`d."""

    def __init__(self, stage: Stage, **settings: Any) -> None:
        self.stage = stage
        self.world = World(Settings(configmap=NAME, **settings), generated=stage.generated)
        self.configure()

    def configure(self, **keys: str) -> None:
        """The ConfigMap has these KEYS from now on, and no others; `_` stands for `-`."""
        self.apply(config_map({name.replace("_", "-"): value for name, value in keys.items()}))

    def apply(self, *manifests: Manifest) -> None:
        """These objects are there, as they are here."""
        self.world.apply(*manifests)
        self._publish()

    def remove(self, kind: str, name: str, namespace: str = "demo") -> None:
        """An object is gone."""
        self.world.delete(kind, name, namespace)
        self._publish()

    def serve(self, backend: Listener, *, tls: str = "", path: str = "/", **annotations: str) -> str:
        """A new host before BACKEND whose Ingress has these ANNOTATIONS (`_` stands for `-`); TLS: its Secret."""
        name = f"site{next(_names)}"
        ingress = objects.ingress(
            name, host=f"{name}.example", service=name, annotations=annotated(**annotations), secret=tls
        )
        ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] = path
        service = objects.service(name, target=backend.port)
        self.apply(ingress, service, objects.endpoints(name, backend.host, port=backend.port))
        return f"{name}.example"

    def get(self, host: str, target: str = "/", **rest: Any) -> Response:
        """One request on a connection of its own."""
        return self.stage.get(host, target, **rest)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the ConfigMap."""
        return self.world.problems.get(OWNER, ())

    def _publish(self) -> None:
        self.stage.publish(
            routes=self.world.take("routes"), endpoints=self.world.take("endpoints"), tls=self.world.take("tls")
        )
