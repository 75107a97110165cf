"""What a round of compiling changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edge.control.kinds.ingress import Ingress
    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.problems import Problem
    from edge.control.translate.gateway.services import GatewayService
    from edge.control.translate.gateway.statuses import Status
    from edge.table.record import Record


class ObjectStatus(NamedTuple):
    """The status that an object is to have."""

    uid: str
    """Of the object: an object that was deleted and created again has another uid, and no status yet."""
    status: Status


@dataclass(slots=True)
class Delta:
    """What one round of compiling changed; None as value: gone."""

    routes: dict[str, Record | None] = field(default_factory=dict)
    endpoints: dict[str, Record | None] = field(default_factory=dict)
    tls: dict[str, Record | None] = field(default_factory=dict)
    served: dict[ObjectId, Ingress | None] = field(default_factory=dict)
    """Ingresses of our class that are new or different."""
    statuses: dict[ObjectId, ObjectStatus | None] = field(default_factory=dict)
    """Of objects of the Gateway API, as far as they are different; None: the object is not ours any more."""
    services: dict[ObjectId, GatewayService | None] = field(default_factory=dict)
    """That Gateways are to have, by Gateway, as far as they are different; None: the Gateway is gone, or not ours."""
    problems: dict[ObjectId, tuple[str, tuple[Problem, ...]]] = field(default_factory=dict)
    """uid and all problems of each object whose problems may have changed; none is an empty tuple."""

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        for_the_cluster = self.served or self.statuses or self.services or self.problems
        return bool(self.routes or self.endpoints or self.tls or for_the_cluster)
