"""Defaults that an API server fills in before it stores an object, a function for each kind that has some.

Rules of this file:
- A function changes the outermost mapping that it is given, which is a copy; what lies within is replaced, not changed.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from edge.control.kinds.objects import ObjectError


def none(filled: dict[str, Any]) -> None:
    """Of a kind that has no defaults."""


def service(filled: dict[str, Any]) -> None:
    """Type ClusterIP, ports of TCP."""
    if isinstance(filled.get("spec"), dict):
        spec = filled["spec"] = dict(filled["spec"])
        spec["type"] = spec.get("type") or "ClusterIP"
        spec["ports"] = _with_protocol(spec.get("ports"))


def endpoint_slice(filled: dict[str, Any]) -> None:
    """Ports of TCP."""
    filled["addressType"] = filled.get("addressType") or ""
    filled["ports"] = _with_protocol(filled.get("ports"))


def secret(filled: dict[str, Any]) -> None:
    """Type Opaque; `stringData` goes to `data`.

    Raises:
        ObjectError: `data` is not base64.
    """
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


def custom(filled: dict[str, Any]) -> None:
    """Of a kind whose defaults are those of its struct: a field that is null has its default too."""
    if isinstance(filled.get("spec"), dict):
        filled["spec"] = _without_nulls(filled["spec"])


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _with_protocol(ports: object) -> object:
    if not isinstance(ports, list):
        return ports
    return [{**port, "protocol": port.get("protocol") or "TCP"} if isinstance(port, dict) else port for port in ports]
