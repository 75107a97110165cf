"""All groups of keys. A new one is a module with KEYS, and an entry here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap import (
    access,
    answers,
    authentication,
    bodies,
    clients,
    compression,
    connections,
    endpoints,
    errors,
    fields,
    limits,
    logs,
    nginx,
    process,
    redirects,
    safety,
    snippets,
    streams,
    tls,
    tracing,
)

if TYPE_CHECKING:
    from types import ModuleType

    from edge.control.translate.configmap.keys import Key

GROUPS: Final[tuple[ModuleType, ...]] = (
    safety,
    clients,
    tls,
    connections,
    access,
    authentication,
    redirects,
    limits,
    bodies,
    compression,
    endpoints,
    answers,
    errors,
    fields,
    snippets,
    streams,
    tracing,
    nginx,
    process,
    logs,
)
"""A group may have functions beside its KEYS, which get `keys.Found`: `policies` returns policies of all routes,
`parameters` and `handshakes_of` return fields of the records by name."""
KEYS: Final[dict[str, Key]] = {key.name: key for group in GROUPS for key in group.KEYS}
"""By name."""
