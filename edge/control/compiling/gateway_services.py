"""The Services that Gateways are to have, as far as they are different.

Rules of this file:
- A Gateway whose Service cannot be determined (its class is missing, its parameters are not valid) keeps the one that
  it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.translate.gateway.facts import GatewayFacts

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.gateway.services import GatewayService
    from edge.control.translate.parts import Translation


class GatewayServices:
    """Those of all Gateways that are ours."""

    def __init__(self) -> None:
        self._last: dict[ObjectId, GatewayService] = {}
        self._changed: dict[ObjectId, GatewayService | None] = {}

    def replace(self, owner: ObjectId, new: Translation | None) -> None:
        """OWNER is translated to NEW."""
        wanted = new.facts.service if new is not None and isinstance(new.facts, GatewayFacts) else None
        if new is None:
            if self._last.pop(owner, None) is not None:
                self._changed[owner] = None
        elif wanted is not None and wanted != self._last.get(owner):
            self._last[owner] = self._changed[owner] = wanted

    def compile(self) -> dict[ObjectId, GatewayService | None]:
        """What is different from the last call; None: the Gateway is gone, or not ours any more."""
        changed, self._changed = self._changed, {}
        return changed
