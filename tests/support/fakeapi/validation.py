"""What a real API server refuses of the objects that Edge writes, with its words.

Sources: pkg/apis/coordination/validation, pkg/apis/core/validation/events.go and pkg/apis/networking/validation of
kubernetes/kubernetes 1.34.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from tests.support.fakeapi.errors import Object, StatusError
from tests.support.fakeapi.resources import Resource

SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
QUALIFIED = re.compile(r"(?:[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
MICROTIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")

Finding = tuple[str, str]
"""Field and what is wrong with it."""
IMMUTABLE_IN_EVENTS = (
    "regarding", "reason", "note", "type", "eventTime", "action", "related", "reportingController", "reportingInstance",
)  # fmt: skip
CONDITIONAL_UPDATES = frozenset({"Lease"})
"""Kinds that a PUT without resourceVersion is refused for."""


def belongs(resource: Resource, obj: Object) -> None:
    """Whether OBJ, the body of a request, is of the kind that the path names.

    Raises:
        StatusError: 400.
    """
    wanted = {"kind": resource.kind, "apiVersion": resource.api_version}
    if any(obj.get(name, value) != value for name, value in wanted.items()):
        given = f"{obj.get('apiVersion')} {obj.get('kind')}"
        message = f"the object in the data ({given}) is not a {resource.api_version} {resource.kind}"
        raise StatusError(400, "BadRequest", message)


def decode(resource: Resource, obj: Object) -> None:
    """What fails before validation: fields that cannot be decoded.

    Raises:
        StatusError: 400.
    """
    spec = obj.get("spec")
    if resource.kind == "Lease" and isinstance(spec, dict):
        for name in ("acquireTime", "renewTime"):
            _microtime(spec.get(name), f"Lease.spec.{name}")
        for name in ("leaseDurationSeconds", "leaseTransitions"):
            if not isinstance(spec.get(name, 0), int | None):
                raise _undecodable(f"Lease.spec.{name}: not a number")
    if resource.kind == "Event":
        _microtime(obj.get("eventTime"), "Event.eventTime")
        _microtime((obj.get("series") or {}).get("lastObservedTime"), "Event.series.lastObservedTime")


def created(resource: Resource, obj: Object) -> None:
    """Whether OBJ may be created.

    Raises:
        StatusError: 422.
    """
    if obj["metadata"].get("resourceVersion"):
        raise StatusError(500, "InternalError", "resourceVersion should not be set on objects to be created")
    name = obj["metadata"]["name"]
    pattern = LABEL if resource.kind in ("Namespace", "Service") else SUBDOMAIN
    findings = [] if pattern.fullmatch(name) else [("metadata.name", f'Invalid value: "{name}"')]
    if resource.kind == "Lease":
        findings += _lease(obj)
    if resource.kind == "Event":
        findings += _event(obj)
        findings += _series(obj)
    if resource.kind == "Service":
        findings += _service(obj)
    _refuse(resource, name, findings)


def updated(resource: Resource, before: Object, after: Object) -> None:
    """Whether AFTER may replace BEFORE.

    Raises:
        StatusError: 422.
    """
    findings: list[Finding] = []
    if resource.kind == "Lease":
        findings += _lease(after)
    if resource.kind == "Event":
        findings += _event(after)
        if after.get("series") != before.get("series"):
            findings += _series(after)
        findings += [
            (name, "field is immutable") for name in IMMUTABLE_IN_EVENTS if before.get(name) != after.get(name)
        ]
    if resource.kind == "Service":
        findings += _service(after)
        findings += _class_of_balancer(before["spec"], after["spec"])
    if resource.kind == "Ingress":
        findings += _balancer((after.get("status") or {}).get("loadBalancer") or {})
    _refuse(resource, after["metadata"]["name"], findings)


def unconditional(resource: Resource, name: str) -> StatusError:
    """The answer to a PUT without a resourceVersion where it must have one."""
    finding = ("metadata.resourceVersion", 'Invalid value: "": must be specified for an update')
    return _invalid(resource, name, [finding])


def _class_of_balancer(before: Object, after: Object) -> Iterator[Finding]:
    name = "loadBalancerClass"
    if before.get("type") == after.get("type") == "LoadBalancer" and before.get(name) != after.get(name):
        yield f"spec.{name}", "may not change once set"


def _lease(obj: Object) -> Iterator[Finding]:
    spec = obj.get("spec") or {}
    if (spec.get("leaseDurationSeconds") or 1) <= 0 or spec.get("leaseDurationSeconds") == 0:
        yield "spec.leaseDurationSeconds", "must be greater than 0"
    if (spec.get("leaseTransitions") or 0) < 0:
        yield "spec.leaseTransitions", "must be greater than or equal to 0"


def _event(obj: Object) -> Iterator[Finding]:
    if not obj.get("eventTime"):
        yield "eventTime", "Required value"
    namespace = obj["metadata"]["namespace"]
    if not (obj.get("regarding") or {}).get("namespace") and namespace not in ("default", "kube-system"):
        yield "involvedObject.namespace", "does not match event.namespace"
    for name, limit in (("reportingController", 316), ("reportingInstance", 128), ("action", 128), ("reason", 128)):
        if not obj.get(name):
            yield name, "Required value"
        elif len(obj[name]) > limit:
            yield name, f"can have at most {limit} characters"
    if obj.get("reportingController") and not QUALIFIED.fullmatch(obj["reportingController"]):
        yield "reportingController", "name part must consist of alphanumeric characters"
    if len((obj.get("note") or "").encode()) > 1024:
        yield "message", "can have at most 1024 characters"
    if obj.get("type") not in ("Normal", "Warning"):
        yield "type", f"has invalid value: {obj.get('type')}"


def _series(obj: Object) -> Iterator[Finding]:
    series = obj.get("series")
    if series is None:
        return
    if series.get("count", 0) < 2:
        yield "series.count", "should be at least 2"
    if not series.get("lastObservedTime"):
        yield "series.lastObservedTime", "Required value"


def _service(obj: Object) -> Iterator[Finding]:
    spec = obj.get("spec") or {}
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield "spec.ports", "Required value"


def _balancer(balancer: Object) -> Iterator[Finding]:
    for number, one in enumerate(balancer.get("ingress") or ()):
        field = f"status.loadBalancer.ingress[{number}]"
        if one.get("ip") and not _is_ip(one["ip"]):
            yield f"{field}.ip", "must be a valid IP address"
        if one.get("hostname") and (_is_ip(one["hostname"]) or not SUBDOMAIN.fullmatch(one["hostname"])):
            yield f"{field}.hostname", "must be a DNS name, not an IP address"


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _microtime(value: Any, field: str) -> None:
    if value is not None and not (isinstance(value, str) and MICROTIME.fullmatch(value)):
        raise _undecodable(f'{field}: parsing time "{value}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse')


def _undecodable(message: str) -> StatusError:
    return StatusError(400, "BadRequest", f"the object provided is unrecognized: {message}")


def _refuse(resource: Resource, name: str, findings: list[Finding]) -> None:
    if findings:
        raise _invalid(resource, name, findings)


def _invalid(resource: Resource, name: str, findings: list[Finding]) -> StatusError:
    listed = ", ".join(f"{field}: {text}" for field, text in findings)
    full = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    return StatusError(422, "Invalid", f'{full} "{name}" is invalid: {listed}')
