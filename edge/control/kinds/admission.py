"""Does what an API server does before it stores an object: fills in defaults, and refuses objects that are not valid.
Objects from a cluster have had this; those from manifest files have not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.control.kinds import validation
from edge.control.kinds.decoding import convert
from edge.control.kinds.objects import Object, ObjectError
from edge.control.kinds.registry import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edge.control.kinds.registry import Definition


_MOST_SHOWN = 10**20
"""Larger numbers may have more digits than Python writes."""


class Refused(ValueError):  # noqa: N818 - what happens to the object
    """The object is not valid; `errors` name the fields, the message lists all of them."""

    def __init__(self, errors: Iterable[ObjectError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(map(str, self.errors)))


def admit(mapping: Mapping[str, Any], kind: str) -> Object:
    """The object of KIND in MAPPING, which holds it as JSON would, as an API server would keep it.

    Raises:
        Refused: it is not valid.
    """
    definition = DEFINITIONS[kind]
    errors = list(_type_faults(mapping))
    if errors:
        raise Refused(errors)
    try:
        admitted = convert(_with_defaults(mapping, definition), kind)
    except ObjectError as error:
        raise Refused([error]) from error
    errors = [*validation.metadata(admitted.metadata, definition.name_fault), *definition.faults(admitted)]
    if errors:
        raise Refused(errors)
    return admitted


def _type_faults(mapping: Mapping[str, Any]) -> Iterator[ObjectError]:
    """Mistakes of hand-written YAML; the messages here are clearer than a decoder's."""
    metadata = mapping.get("metadata")
    if not isinstance(metadata, dict):
        yield ObjectError("metadata", "required" if metadata is None else "must be a mapping")
        return
    texts = {f"metadata.{name}": metadata.get(name) for name in ("labels", "annotations")}
    texts.update({name: mapping.get(name) for name in ("data", "stringData")})
    for field, entries in texts.items():
        for key, value in entries.items() if isinstance(entries, dict) else ():
            if not isinstance(value, str):
                yield ObjectError(f'{field}["{key}"]', f"must be text, and this is {_described(value)}")
    for name in ("name", "namespace"):
        value = metadata.get(name)
        if value is not None and not isinstance(value, str):
            yield ObjectError(f"metadata.{name}", f"must be text, and this is {_described(value)}")


def _described(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}; put it in quotes"
    if isinstance(value, int) and abs(value) > _MOST_SHOWN:
        return "a number; put it in quotes"
    if isinstance(value, int | float):
        return f"the number {value}; put it in quotes"
    return "a mapping" if isinstance(value, dict) else "a list"


def _with_defaults(mapping: Mapping[str, Any], definition: Definition) -> dict[str, Any]:
    metadata = dict(mapping["metadata"])
    metadata["namespace"] = metadata.get("namespace") or "default" if definition.namespaced else ""
    filled = {**mapping, "metadata": metadata}
    definition.defaults(filled)
    return filled
