"""Parameters of a GatewayClass or of a Gateway: a ConfigMap with fields of the Services that are made for Gateways.

Rules of this file:
- A key is the name of a field of `spec` of a Service; `labels` and `annotations` have a line `name: value` for each.
- An unknown key, or an invalid value, makes the whole ConfigMap invalid: the Service stays as it is.

Source: Gateway API v1.6, `parametersRef` and the reason InvalidParameters; Kubernetes API reference, Service v1.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.control.kinds import names
from edge.control.kinds.core import ConfigMap
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.control.kinds.gateway import ParametersReference
    from edge.control.translate.gateway.view import View

REASON: Final = "InvalidParameters"
POLICIES: Final = ("Cluster", "Local")


class Parameters(msgspec.Struct, frozen=True, gc=False):
    """Fields that a Service is to have."""

    spec: Mapping[str, Any] = {}
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}

    def over(self, others: Parameters) -> Parameters:
        """These, completed by those of OTHERS."""
        return Parameters(
            {**others.spec, **self.spec},
            {**others.labels, **self.labels},
            {**others.annotations, **self.annotations},
        )


class Read(msgspec.Struct, frozen=True):
    """The result of a reference to parameters."""

    parameters: Parameters | None = None
    """None: they cannot be used, or have not been read yet."""
    problem: Problem | None = None


NONE: Final = Read(Parameters())


def read(reference: ParametersReference | None, namespace: str, field: str, view: View) -> Read:
    """The parameters that REFERENCE at FIELD names in NAMESPACE."""
    if reference is None:
        return NONE
    if (reference.group, reference.kind) != ("", ConfigMap.kind):
        return _bad(f"{field}.kind", f"{reference.kind} is not supported; name a ConfigMap")
    if not namespace:
        return _bad(f"{field}.namespace", "required; name the namespace of the ConfigMap")
    target = ObjectId(ConfigMap.kind, namespace, reference.name)
    found = view.referent(target)
    if isinstance(found, ConfigMap):
        try:
            return Read(_parsed(found.data or {}))
        except ValueError as fault:
            return _bad(field, f"{target}: {fault}")
    return Read() if found is None else _bad(f"{field}.name", str(found))


def _bad(field: str, message: str) -> Read:
    return Read(None, error(REASON, field, message))


def _parsed(data: Mapping[str, str]) -> Parameters:
    """The parameters in DATA.

    Raises:
        ValueError: one of them cannot be used.
    """
    spec: dict[str, Any] = {}
    maps: dict[str, dict[str, str]] = {"labels": {}, "annotations": {}}
    for key, text in data.items():
        if key in maps:
            maps[key] = _lines(key, text)
        elif key in FIELDS:
            spec[key] = FIELDS[key](key, text.strip())
        else:
            raise ValueError(f'"{key}" is not known; there are {", ".join((*FIELDS, *maps))}')
    return Parameters(spec, maps["labels"], maps["annotations"])


def _one_of(*values: str) -> Callable[[str, str], str]:
    def read(key: str, text: str) -> str:
        if text not in values:
            raise ValueError(f'{key}: "{text}" must be one of {", ".join(values)}')
        return text

    return read


def _boolean(key: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f'{key}: "{text}" must be true or false')
    return text == "true"


def _networks(key: str, text: str) -> list[str]:
    found = [part.strip() for part in text.split(",") if part.strip()]
    for part in found:
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise ValueError(f'{key}: "{part}" must be an address block such as 10.0.0.0/8') from None
    return found


def _name(key: str, text: str) -> str:
    fault = names.qualified_fault(text)
    if fault:
        raise ValueError(f"{key}: {fault}")
    return text


def _lines(key: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, (one.strip() for one in text.splitlines())):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            raise ValueError(f'{key}: "{line}" must be NAME: VALUE')
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
        fault = names.qualified_fault(name) or (names.label_value_fault(value) if key == "labels" else "")
        if fault:
            raise ValueError(f"{key}: {fault}")
        found[name] = value
    return found


FIELDS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "type": _one_of("LoadBalancer", "ClusterIP", "NodePort"),
    "externalTrafficPolicy": _one_of(*POLICIES),
    "internalTrafficPolicy": _one_of(*POLICIES),
    "ipFamilyPolicy": _one_of("SingleStack", "PreferDualStack", "RequireDualStack"),
    "loadBalancerClass": _name,
    "loadBalancerSourceRanges": _networks,
    "allocateLoadBalancerNodePorts": _boolean,
    "sessionAffinity": _one_of("None", "ClientIP"),
}
"""Keys that are fields of `spec`, with what reads them."""
