"""Restrictions on annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import BOOLEAN, FIELD_NAMES, TEXT, one_of
from edge.control.translate.configmap.keys import routes

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("allow-snippet-annotations", BOOLEAN),
    routes("allow-cross-namespace-resources", BOOLEAN),
    routes("annotations-risk-level", one_of("Low", "Medium", "High", "Critical")),
    routes("annotation-value-word-blocklist", TEXT),
    routes("strict-validate-path-type", BOOLEAN, "The webhook refuses such paths; existing Ingresses are served."),
    routes("global-allowed-response-headers", FIELD_NAMES),
)
