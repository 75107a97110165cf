"""What an API server would do with an object before it keeps it: fill in defaults, and refuse what is not valid.

Objects of a cluster have been through this; those of manifest files have not.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from edge.control.kinds import validation
from edge.control.kinds.decoding import convert
from edge.control.kinds.objects import CLUSTER_SCOPED, Object, ObjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


_MOST_SHOWN = 10**20
"""Larger numbers may have more digits than Python writes."""


class Refused(ValueError):  # noqa: N818 - what happens to the object
    """The object is not valid; `errors` say in which fields, the message tells all of them."""

    def __init__(self, errors: Iterable[ObjectError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(map(str, self.errors)))


def admit(mapping: Mapping[str, Any], kind: str) -> Object:
    """The object of KIND in MAPPING, which holds it as JSON would, as an API server would keep it.

    Raises:
        Refused: it is not valid.
    """
    errors = list(_type_faults(mapping))
    if errors:
        raise Refused(errors)
    try:
        admitted = convert(_with_defaults(mapping, kind), kind)
    except ObjectError as error:
        raise Refused([error]) from error
    errors = list(validation.faults(admitted))
    if errors:
        raise Refused(errors)
    return admitted


def _type_faults(mapping: Mapping[str, Any]) -> Iterator[ObjectError]:
    """Mistakes of hand-written YAML, told better here than by a decoder."""
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


def _with_defaults(mapping: Mapping[str, Any], kind: str) -> dict[str, Any]:
    metadata = dict(mapping["metadata"])
    metadata["namespace"] = "" if kind in CLUSTER_SCOPED else metadata.get("namespace") or "default"
    filled = {**mapping, "metadata": metadata}
    if kind == "Secret":
        _default_secret(filled)
    if kind == "Service" and isinstance(filled.get("spec"), dict):
        spec = filled["spec"] = dict(filled["spec"])
        spec["type"] = spec.get("type") or "ClusterIP"
        spec["ports"] = _with_protocol(spec.get("ports"))
    if kind == "EndpointSlice":
        filled["addressType"] = filled.get("addressType") or ""
        filled["ports"] = _with_protocol(filled.get("ports"))
    return filled


def _with_protocol(ports: object) -> object:
    if not isinstance(ports, list):
        return ports
    return [{**port, "protocol": port.get("protocol") or "TCP"} if isinstance(port, dict) else port for port in ports]


def _default_secret(filled: dict[str, Any]) -> None:
    filled["type"] = filled.get("type") or "Opaque"
    data = filled.get("data")
    if isinstance(data, dict):
        # Line ends within base64 mean nothing, as in Go: long values are often broken by hand.
        data = filled["data"] = {key: value.replace("\n", "").replace("\r", "") for key, value in data.items()}
        for key, value in data.items():
            try:
                binascii.a2b_base64(value, strict_mode=True)
            except ValueError as error:
                raise ObjectError(f'data["{key}"]', "is not base64; plain text goes to stringData") from error
    plain = filled.pop("stringData", None)
    if isinstance(plain, dict):
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        filled["data"] = {**(data or {}), **encoded}
