"""The objects that are made for a Gateway, as JSON: its Service and the EndpointSlices of that; and the patch for an
object that exists.

Rules of this file:
- Only what we have set is changed, or removed when it is no longer wanted: the annotation APPLIED has the names of the
  labels, annotations and fields of `spec` that we have set last. Everything else belongs to others and stays.
- The Gateway owns them, so the cluster deletes them with it also while Edge does not run.
- The API server takes no loopback addresses as endpoints: for those there are no slices.

Source: Kubernetes API reference, Service v1 and EndpointSlice v1.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.control.kinds.gateway import VERSION, Gateway
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.services import SERVICE_NAME_LABEL
from edge.control.translate.gateway.services import MANAGER, own_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge.control.answers.pods import PodEndpoint
    from edge.control.translate.gateway.services import GatewayService, PublishedPort

Body = dict[str, Any]
SERVICE: Final = "Service"
SLICE: Final = "EndpointSlice"
APPLIED: Final = "edge.ingress/applied"
SLICE_MANAGER_LABEL: Final = "endpointslice.kubernetes.io/managed-by"
MOST_PORTS: Final = 100
"""Of a slice."""
MOST_ENDPOINTS: Final = 1000
"""Of a slice; further ones are left out."""
FAMILIES: Final = {4: "IPv4", 6: "IPv6"}


def service_of(wanted: GatewayService) -> tuple[ObjectId, Body]:
    """The Service of a Gateway."""
    applied = {
        "labels": sorted(wanted.labels),
        "annotations": sorted(wanted.annotations),
        "spec": sorted(wanted.spec),
    }
    text = msgspec.json.encode(applied).decode()
    ports = [
        {"name": one.name, "port": one.port, "protocol": one.protocol, "targetPort": one.target} for one in wanted.ports
    ]
    body = {
        "apiVersion": "v1",
        "kind": SERVICE,
        "metadata": {
            **_metadata(wanted, wanted.name),
            "labels": dict(wanted.labels),
            "annotations": {**wanted.annotations, APPLIED: text},
        },
        "spec": {**wanted.spec, "ports": ports},
    }
    return ObjectId(SERVICE, wanted.namespace, wanted.name), body


def slices_of(wanted: GatewayService, pods: Sequence[PodEndpoint]) -> Iterator[tuple[ObjectId, Body]]:
    """Its EndpointSlices, for PODS of ours or for the addresses that it names."""
    endpoints = list(_endpoints(wanted, pods))
    for family, name in FAMILIES.items():
        own = [body for version, body in endpoints if version == family]
        if not own and family != 4:
            continue
        if wanted.backends and not own:
            continue
        for number in range(0, len(wanted.ports), MOST_PORTS):
            part = f"-{number // MOST_PORTS}" if number else ""
            yield _slice(
                wanted, f"{wanted.name}-{name.lower()}{part}", name, wanted.ports[number : number + MOST_PORTS], own
            )


def gateway_of(name: ObjectId, body: Body) -> ObjectId | None:
    """The Gateway that we made BODY, the EndpointSlice NAME, for; None: it is not ours."""
    metadata = body.get("metadata") or {}
    if name.kind != SLICE or (metadata.get("labels") or {}).get(SLICE_MANAGER_LABEL) != MANAGER:
        return None
    owners = (one for one in metadata.get("ownerReferences") or () if one.get("kind") == Gateway.kind)
    return next((ObjectId(Gateway.kind, name.namespace, one.get("name", "")) for one in owners), None)


def _slice(
    wanted: GatewayService, name: str, family: str, ports: Iterable[PublishedPort], endpoints: list[Body]
) -> tuple[ObjectId, Body]:
    labels = {**own_labels(wanted.gateway), SERVICE_NAME_LABEL: wanted.name, SLICE_MANAGER_LABEL: MANAGER}
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": SLICE,
        "metadata": {**_metadata(wanted, name), "labels": labels},
        "addressType": family,
        "ports": [{"name": one.name, "port": one.target, "protocol": one.protocol} for one in ports],
        "endpoints": endpoints[:MOST_ENDPOINTS],
    }
    return ObjectId(SLICE, wanted.namespace, name), body


def _metadata(wanted: GatewayService, name: str) -> Body:
    owner = {"apiVersion": VERSION, "kind": Gateway.kind, "name": wanted.gateway, "uid": wanted.uid, "controller": True}
    return {"name": name, "namespace": wanted.namespace, "ownerReferences": [owner]}


def _endpoints(wanted: GatewayService, pods: Sequence[PodEndpoint]) -> Iterator[tuple[int, Body]]:
    """Version of the address, and the endpoint."""
    for text in wanted.backends:
        address = ipaddress.ip_address(text)
        if not (address.is_loopback or address.is_link_local or address.is_unspecified):
            yield address.version, {"addresses": [text], "conditions": {"ready": True}}
    for pod in () if wanted.backends else pods:
        for text in pod.addresses:
            yield (
                ipaddress.ip_address(text).version,
                {
                    "addresses": [text],
                    "conditions": {"ready": pod.ready, "serving": pod.serving, "terminating": pod.terminating},
                    **({"nodeName": pod.node} if pod.node else {}),
                    "targetRef": {"kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid},
                },
            )


# --- what is different ----------------------------------------------------------------------------------------------


def difference(have: Body, wanted: Body) -> Body | None:
    """The merge patch from the object that we HAVE to the one that is WANTED; None: nothing differs."""
    patch: Body = {}
    applied = _applied(have)
    before, after = have.get("metadata") or {}, wanted["metadata"]
    metadata = {
        part: changed
        for part in ("labels", "annotations")
        if (changed := _merged(before.get(part) or {}, after.get(part) or {}, applied.get(part, ())))
    }
    if not is_owned(have, wanted):
        metadata["ownerReferences"] = after["ownerReferences"]
    if metadata:
        patch["metadata"] = metadata
    if wanted["kind"] == SERVICE:
        spec = _merged(have.get("spec") or {}, wanted["spec"], applied.get("spec", ()))
        before = have.get("spec") or {}
        spec.pop("clusterIP", None)  # it cannot be changed
        if before.get("type") == wanted["spec"].get("type"):
            spec.pop("loadBalancerClass", None)  # as long as the type stays, it cannot be changed either
        if before.get("selector"):
            spec["selector"] = None
        if spec:
            patch["spec"] = spec
    else:
        parts = ("ports", "endpoints")
        patch.update({part: wanted[part] for part in parts if not _covers(have.get(part), wanted[part])})
    return patch or None


def is_owned(have: Body, wanted: Body) -> bool:
    """Whether the Gateway is among the owners of the object that we HAVE."""
    (owner,) = wanted["metadata"]["ownerReferences"]
    return any(_covers(one, owner) for one in have["metadata"].get("ownerReferences") or ())


def _merged(have: Body, wanted: Body, applied: Iterable[str]) -> Body:
    """The changes to a map that we HAVE, so that it has all that is WANTED and nothing else that we APPLIED before."""
    changed = {name: value for name, value in wanted.items() if not _covers(have.get(name), value)}
    return {**changed, **{name: None for name in applied if name in have and name not in wanted}}


def _covers(have: Any, wanted: Any) -> bool:
    """Whether HAVE contains all that is WANTED; the API server adds defaults and values that it allocates."""
    if isinstance(wanted, dict) and isinstance(have, dict):
        return all(_covers(have.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        have = have or []
        return len(have) == len(wanted) and all(map(_covers, have, wanted))
    return bool(have == wanted)


def _applied(have: Body) -> dict[str, list[str]]:
    text = ((have.get("metadata") or {}).get("annotations") or {}).get(APPLIED, "")
    try:
        return msgspec.json.decode(text, type=dict[str, list[str]])
    except msgspec.DecodeError:
        return {}
