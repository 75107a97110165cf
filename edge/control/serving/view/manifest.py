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
    fields: dict[str, Any] = _present(found)
    metadata = fields.get("metadata", {})
    annotations = metadata.get("annotations", {})
    annotations.pop(APPLIED, None)
    if not annotations:
        metadata.pop("annotations", None)
    document = {"apiVersion": found.api_version, "kind": found.kind, **fields}
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=_WIDTH))


def _present(value: Any) -> Any:
    """VALUE for YAML, without fields that have their default; tuples become lists."""
    if isinstance(value, msgspec.Struct):
        fields = ((one, getattr(value, one.name)) for one in msgspec.structs.fields(value))
        return {one.encode_name: _present(held) for one, held in fields if held != _default(one)}
    if isinstance(value, dict):
        return {name: _present(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_present(one) for one in value]
    return value if isinstance(value, bytes) else msgspec.to_builtins(value)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
