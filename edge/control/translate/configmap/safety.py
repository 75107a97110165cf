"""What annotations may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import BOOLEAN, FIELD_NAMES
from edge.control.translate.configmap.keys import routes

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("allow-snippet-annotations", BOOLEAN),
    routes("allow-cross-namespace-resources", BOOLEAN),
    routes("global-allowed-response-headers", FIELD_NAMES),
)
