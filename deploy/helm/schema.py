"""Writes edge-ingress/values.schema.json: from values.yaml, whose defaults show the types, and from Edge's settings.

It also writes files/configmap-keys.yaml, the names that templates put into the ConfigMap and not among the settings,
and files/ingress-nginx.yaml, the values of ingress-nginx's chart of which the notes say what to use instead.

    python deploy/helm/schema.py            (make charts)

Rules of this file:
- A name that values.yaml does not have is refused, except below the maps in `FREE`: those go into Kubernetes objects
  as they are.
- Names of ingress-nginx's chart that Edge has nothing for (`files/ingress-nginx.yaml`) are let through: a template
  refuses those that are set, and can say what to use instead, which a schema cannot.
- `controller.config` and `controller.extraArgs` take exactly the settings of `edge.settings`, the former also the keys
  of ingress-nginx's ConfigMap, the latter its flags, so that a misspelt one is an error of `helm install` and not a
  warning in a log. What a key's value may be is the controller's to judge: it reports, and goes on by the default.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import yaml

from edge import nginx_flags, options
from edge.control.check.chart import IDLE, UNAVAILABLE
from edge.control.translate.configmap.groups import KEYS
from edge.control.translate.configmap.keys import Sort

CHART = Path(__file__).parent / "edge-ingress"
FREE = frozenset(
    (
        "labels",
        "resources",
        "livenessProbe",
        "readinessProbe",
        "podSecurityContext",
        "containerSecurityContext",
        "nodeSelector",
    )
)
"""Maps with defaults of their own into which anything may be put."""

INTEGER = {"type": "integer", "minimum": 0}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
NODE_PORT = {"anyOf": [PORT, {"enum": [None, ""]}]}
PERCENT = {"type": ["integer", "null"], "minimum": 1}
PODS = {"anyOf": [INTEGER, {"type": "string", "pattern": "^[0-9]+%$"}, {"type": "null"}]}
SERVICE_TYPE = {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]}
POLICY = {"enum": ["", "Cluster", "Local"]}
STREAMS = {"type": "object", "patternProperties": {"^[0-9]{1,5}$": {"type": "string"}}, "additionalProperties": False}
SECONDS = {"type": "number", "minimum": 0}

EXACT: dict[str, dict[str, Any]] = {
    "controller.admissionWebhooks.failurePolicy": {"enum": ["Fail", "Ignore"]},
    "controller.admissionWebhooks.timeoutSeconds": {"type": "integer", "minimum": 1, "maximum": 30},
    "controller.admissionWebhooks.port": PORT,
    "controller.admissionWebhooks.service.servicePort": PORT,
    "controller.admissionWebhooks.service.type": SERVICE_TYPE,
    "controller.gatewayServices": {"enum": ["", "ClusterIP", "NodePort", "LoadBalancer"]},
    "controller.kind": {"enum": ["Deployment", "DaemonSet"]},
    "controller.image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "controller.image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "controller.preStopDelay": SECONDS,
    "controller.shutdownGrace": SECONDS,
    "controller.hostname": {"anyOf": [{"type": "string"}, {"type": "object", "maxProperties": 0}]},
    "controller.containerPort.http": PORT,
    "controller.containerPort.https": PORT,
    "controller.hostPort.ports.http": PORT,
    "controller.hostPort.ports.https": PORT,
    "controller.metrics.port": PORT,
    "controller.metrics.service.servicePort": PORT,
    "controller.metrics.service.type": SERVICE_TYPE,
    "controller.service.type": SERVICE_TYPE,
    "controller.service.internal.type": {"enum": ["", *SERVICE_TYPE["enum"]]},
    "controller.service.ports.http": PORT,
    "controller.service.ports.https": PORT,
    "controller.service.targetPorts.http": {"type": ["string", "integer"]},
    "controller.service.targetPorts.https": {"type": ["string", "integer"]},
    "controller.service.nodePorts.http": NODE_PORT,
    "controller.service.nodePorts.https": NODE_PORT,
    "controller.service.healthCheckNodePort": NODE_PORT,
    "controller.service.allocateLoadBalancerNodePorts": {"type": ["boolean", "null"]},
    "controller.service.internal.nodePorts.http": NODE_PORT,
    "controller.service.internal.nodePorts.https": NODE_PORT,
    "controller.service.internal.healthCheckNodePort": NODE_PORT,
    "controller.service.internal.allocateLoadBalancerNodePorts": {"type": ["boolean", "null"]},
    "controller.service.externalTrafficPolicy": POLICY,
    "controller.service.internalTrafficPolicy": POLICY,
    "controller.service.internal.externalTrafficPolicy": POLICY,
    "controller.service.ipFamilyPolicy": {"enum": ["", "SingleStack", "PreferDualStack", "RequireDualStack"]},
    "controller.autoscaling.targetCPUUtilizationPercentage": PERCENT,
    "controller.autoscaling.targetMemoryUtilizationPercentage": PERCENT,
    "controller.minAvailable": PODS,
    "controller.maxUnavailable": PODS,
    "tcp": STREAMS,
    "udp": STREAMS,
    "controller.table.sizeLimit": {"type": ["string", "integer"]},
}
"""Values whose default does not show their type."""


BY_TYPE: dict[type, dict[str, Any]] = {
    dict: {"type": "object"},
    list: {"type": "array"},
    bool: {"type": "boolean"},
    int: INTEGER,
    str: {"type": "string"},
}
"""In this order: a bool is an int too."""


def schema() -> dict[str, Any]:
    """The whole of values.schema.json."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    found = _object("", values)
    found["properties"]["global"].pop("additionalProperties")  # it is for all charts that another one consists of
    for path in (*UNAVAILABLE, *IDLE):
        _admit(found, path.split("."))
    for service in ("service", "service.internal"):
        for protocol in ("tcp", "udp"):  # by the ports of `tcp` and `udp`
            ports = _at(found, f"controller.{service}.nodePorts".split("."))
            ports["properties"][protocol] = {"type": "object", "additionalProperties": NODE_PORT}
    _open(_at(found, ["controller", "admissionWebhooks"]))
    controller = found["properties"]["controller"]["properties"]
    for name, properties in (("config", _settings() | _keys()), ("extraArgs", _flags() | _settings())):
        controller[name] = {"type": "object", "additionalProperties": False, "properties": properties}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Values of edge-ingress"} | found


def _open(found: dict[str, Any]) -> None:
    """Let through what FOUND does not know, at any depth: values of ingress-nginx's chart that change nothing here."""
    found.pop("additionalProperties", None)
    for one in found.get("properties", {}).values():
        _open(one)


def _at(found: dict[str, Any], path: list[str]) -> dict[str, Any]:
    for name in path:
        found = found["properties"][name]
    return found


def _admit(found: dict[str, Any], path: list[str]) -> None:
    """Let through whatever PATH begins with that FOUND does not know."""
    for name in path:
        if name not in found["properties"]:
            found["properties"][name] = {}
        if not found["properties"][name]:
            return
        found = found["properties"][name]


def text() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=1) + "\n"


def _object(path: str, values: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _of(f"{path}.{name}".lstrip("."), value) for name, value in values.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _of(path: str, value: Any) -> dict[str, Any]:
    if path in EXACT:
        return dict(EXACT[path])
    if isinstance(value, dict) and value and path.rpartition(".")[2] not in FREE:
        return _object(path, value)
    for kind, found in BY_TYPE.items():
        if isinstance(value, kind):
            return found
    raise ValueError(f"{path}: the default {value!r} has no type; add it to EXACT")


def _settings() -> dict[str, Any]:
    """Flag name to what it takes; strings too, because ingress-nginx's extraArgs are strings."""
    return {options.flag(field)[2:]: _setting(field) for field in options.FIELDS.values()}


def _flags() -> dict[str, Any]:
    """The flags of ingress-nginx, each of which Edge takes, if only to say why it has no effect."""
    names = nginx_flags.NAMES - {"version"}
    return {name: {"type": ["string", "number", "boolean"]} for name in sorted(names)}


def _keys() -> dict[str, Any]:
    """Keys of the ConfigMap; a list is joined by commas, and null is as if the key were left out."""
    return {name: {"type": ["string", "number", "boolean", "array", "null"]} for name in sorted(KEYS)}


def followed() -> list[str]:
    """Keys of the ConfigMap, but for those without effect that do something as a setting."""
    settings = _settings().keys()
    return sorted(name for name, key in KEYS.items() if key.sort is not Sort.WITHOUT_EFFECT or name not in settings)


def unavailable_text() -> str:
    """The text of files/ingress-nginx.yaml."""
    heading = (
        "# Made by schema.py: values of ingress-nginx's chart that Edge has nothing for, and what to do instead.\n"
    )
    return heading + yaml.safe_dump(UNAVAILABLE, sort_keys=False, width=1000)


def keys_text() -> str:
    """The text of files/configmap-keys.yaml."""
    return "# Made by schema.py: keys of the ConfigMap that the controller follows.\n" + yaml.safe_dump(followed())


def _setting(field: options.Field) -> dict[str, Any]:
    found: dict[str, Any] = {"description": field.metadata["help"]}
    if isinstance(field.default, bool):
        return found | {"enum": [True, False, "true", "false"]}
    if isinstance(field.default, tuple):
        return found | {"type": ["string", "array"], "items": {"type": "string"}}
    if isinstance(field.default, (int, float)):
        most = field.metadata["most"]
        bounds = {"minimum": field.metadata["least"]} | ({"maximum": most} if most < math.inf else {})
        return found | {"type": ["number", "string"], "pattern": r"^[0-9]+(\.[0-9]+)?$"} | bounds
    if field.metadata["choices"]:
        return found | {"enum": list(field.metadata["choices"])}
    if field.name == "workers":
        return found | {"type": ["integer", "string"], "pattern": "^(auto|[0-9]+)$", "minimum": 1}
    return found | {"type": "string"}


if __name__ == "__main__":
    (CHART / "values.schema.json").write_text(text())
    (CHART / "files/configmap-keys.yaml").write_text(keys_text())
    (CHART / "files/ingress-nginx.yaml").write_text(unavailable_text())
