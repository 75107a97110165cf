"""Limits of clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.keys import routes, without_effect

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("limit-req-status-code"),
    routes("limit-conn-status-code"),
    *without_effect("Limits are of the client's address.", "limit-conn-zone-variable"),
)
