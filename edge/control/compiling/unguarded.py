"""Keys of the ConfigMap that refuse requests, and the routes that they do not apply to.

Rules of this file:
- Such a key is reported once, at the ConfigMap, while any HTTPRoute or GRPCRoute is served. The message names no route,
  so that it stays the same while routes come and go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.gateway_routes import GRPCRoute
from edge.control.kinds.http_routes import HTTPRoute
from edge.control.kinds.problems import Problem, warning
from edge.control.translate.configmap.keys import place

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import Translation

KINDS: Final = (HTTPRoute.kind, GRPCRoute.kind)
STAY: Final = "keep hosts that need it in Ingresses"
GUARDS: Final = {
    "global-auth-url": STAY,
    "denylist-source-range": f"use block-cidrs, which holds for all routes, or {STAY}",
    "whitelist-source-range": f"{STAY}, or limit the addresses in front of Edge (loadBalancerSourceRanges)",
}
"""The keys, with the alternative for these routes."""


class Unguarded:
    """The HTTPRoutes and GRPCRoutes that are served."""

    def __init__(self) -> None:
        self._served: set[ObjectId] = set()

    def replace(self, owner: ObjectId, new: Translation | None) -> None:
        """OWNER is translated to NEW."""
        if owner.kind in KINDS:
            if new is not None and new.hosts:
                self._served.add(owner)
            else:
                self._served.discard(owner)

    def problems(self, keys: Container[str]) -> Iterator[Problem]:
        """The problems of the ConfigMap if KEYS are set."""
        if not self._served:
            return
        for key, way_out in GUARDS.items():
            if key in keys:
                message = f"holds for Ingresses alone, and HTTPRoutes and GRPCRoutes are served without it; {way_out}"
                yield warning("UnguardedRoutes", place(key), message)
