"""Decodes JSON, or the values of it, into the structs of `edge.control.kinds.objects`.

Rules of this file:
- Labels and annotations can be declared as a whole only, so unused ones are removed here: a cluster holds
  many thousand objects.
- Faults name the field, in words for users.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from msgspec.structs import force_setattr

from edge.control.kinds.core import Namespace
from edge.control.kinds.objects import Named, Object, ObjectError
from edge.control.kinds.registry import DEFINITIONS, KINDS
from edge.control.kinds.services import GATEWAY_NAME_LABEL, MANAGED_BY_LABEL, SERVICE_NAME_LABEL, EndpointSlice, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""A copy of the whole object in an annotation: never read, and not kept in memory."""
_DECODERS: Final = {kind: msgspec.json.Decoder(cls) for kind, cls in KINDS.items()}
_LABELS: Final = {
    EndpointSlice.kind: (SERVICE_NAME_LABEL,),
    Service.kind: (GATEWAY_NAME_LABEL, MANAGED_BY_LABEL),
}
"""Labels that are read, by kind, where an object has the first of them; those of Namespaces are all read."""
_ANNOTATED: Final = frozenset(kind for kind, one in DEFINITIONS.items() if one.annotated)
"""Kinds whose annotations are read."""

N = TypeVar("N", bound=Named)


def decode(raw: bytes | str | msgspec.Raw, kind: str) -> Object:
    """The object of KIND (one of `KINDS`) in the JSON text RAW; it may be an item of a list, without a kind.

    Raises:
        ObjectError: RAW is not JSON, or a field has the wrong type.
    """
    try:
        return _lean(_DECODERS[kind].decode(raw))
    except msgspec.ValidationError as error:
        raise _explained(error) from error
    except msgspec.DecodeError as error:
        raise ObjectError("", f"not JSON: {error}") from error
    except RecursionError as error:
        raise ObjectError("", "nested too deeply") from error


def convert(mapping: Mapping[str, object], kind: str) -> Object:
    """The object of KIND in MAPPING, which holds it as JSON would.

    Raises:
        ObjectError: a field has the wrong type.
    """
    try:
        return _without_last_applied(msgspec.convert(mapping, KINDS[kind]))
    except msgspec.ValidationError as error:
        raise _explained(error) from error


def _lean(decoded: N) -> N:
    """DECODED, a fresh object, without unused labels and annotations; equal strings are shared."""
    metadata = decoded.metadata
    if metadata.labels is not None and decoded.kind != Namespace.kind:
        force_setattr(metadata, "labels", _labels(decoded.kind, metadata.labels))
    if metadata.annotations is not None and decoded.kind not in _ANNOTATED:
        force_setattr(metadata, "annotations", None)
    force_setattr(metadata, "namespace", sys.intern(metadata.namespace))
    if metadata.creation_timestamp is not None:
        force_setattr(metadata, "creation_timestamp", sys.intern(metadata.creation_timestamp))
    return _without_last_applied(decoded)


def _labels(kind: str, labels: Mapping[str, str]) -> dict[str, str] | None:
    """Those LABELS of an object of KIND that are read."""
    names = _LABELS.get(kind, ())
    return {name: labels[name] for name in names if name in labels} if names and names[0] in labels else None


def _without_last_applied(decoded: N) -> N:
    """DECODED, a fresh object, with kubectl's copy of it taken out of its annotations."""
    if decoded.metadata.annotations is not None:
        decoded.metadata.annotations.pop(LAST_APPLIED, None)
    return decoded


def _explained(error: msgspec.ValidationError) -> ObjectError:
    """From msgspec's words (``Expected `str`, got `int` - at `$.spec.host` ``) to the project's."""
    reason, _, place = str(error).partition(" - at `")
    field = place.rstrip("`").removeprefix("$").removeprefix(".")
    return ObjectError(field, (reason[:1].lower() + reason[1:]).replace("`", ""))
