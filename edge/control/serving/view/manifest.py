"""An object as YAML, with the fields that Edge reads.

Rules of this file:
- Nothing of a Secret is shown, not even its keys.
- The annotation that kubectl keeps for itself is left out: it is a copy of the object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import yaml

if TYPE_CHECKING:
    from edge.control.kinds.objects import Object

APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
UNSEEN: Final = frozenset({"Secret"})
_WIDTH: Final = 120


def manifest(found: Object) -> str:
    """FOUND as YAML; empty: it is not shown."""
    if found.kind in UNSEEN:
        return ""
    fields: dict[str, Any] = _present(msgspec.to_builtins(found, builtin_types=(bytes,)))
    metadata = fields.get("metadata", {})
    annotations = metadata.get("annotations", {})
    annotations.pop(APPLIED, None)
    if not annotations:
        metadata.pop("annotations", None)
    document = {"apiVersion": found.api_version, "kind": found.kind, **fields}
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=_WIDTH))


def _present(value: Any) -> Any:
    """VALUE without fields that are not set; tuples become lists."""
    if isinstance(value, dict):
        return {name: _present(one) for name, one in value.items() if one not in (None, "", 0) or one is False}
    return [_present(one) for one in value] if isinstance(value, list | tuple) else value
