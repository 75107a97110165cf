"""What Edge makes of the annotations of one Ingress: policies and problems."""

from __future__ import annotations

from typing import Any

from edge.control.translate.annotations.values import PREFIX
from edge.table.policies.policy import Policy
from tests.support import objects
from tests.support.policies import P, policy
from tests.support.world import World


def annotated(**annotations: str) -> dict[str, str]:
    """ANNOTATIONS by their full names; `_` stands for `-`."""
    return {PREFIX + name.replace("_", "-"): value for name, value in annotations.items()}


def place(name: str) -> str:
    """Where the annotation NAME stands in an Ingress."""
    return f'metadata.annotations["{PREFIX}{name}"]'


class Annotated:
    """An Ingress `demo/web` with ANNOTATIONS, in a world that has its Service too."""

    def __init__(self, world: World | None = None, **annotations: str) -> None:
        self.world = world or World()
        ingress = objects.ingress(annotations=annotated(**annotations))
        self.world.apply(ingress, objects.service(), objects.endpoints("web", "10.0.0.1"))

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All policies of its route."""
        return self.world.route("web.example").policies

    def policy(self, kind: type[P]) -> P | None:
        """The policy of this KIND."""
        return policy(self.world.route("web.example"), kind)

    @property
    def problems(self) -> list[tuple[Any, ...]]:
        """(reason, field, message) of its problems."""
        return [(one.reason, one.field, one.message) for one in self.world.problems_of()]
