"""Keeps the Services of Gateways, and their EndpointSlices, as they should be.

Rules of this file:
- Those of `edge.control.answers.writer`, and what `edge.control.answers.gateway_objects` says.
- Nothing is written before all existing objects have been read.
- The watch may lag behind our own writes: a version that is older than the answer to a write is ignored.
- An object of the same name that we have not made is never changed: our POST is refused, and tried again.
- Ours is what the Gateway owns. Without our labels the watch does not show it: when a POST is refused, they are put
  back.
- We delete the objects of a Gateway as soon as the Gateway is gone, or belongs to another controller.
- A slice that an earlier process has made and that is no longer wanted is deleted, too: its addresses may belong to
  other pods by now.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from edge.control.answers.gateway_objects import (
    SERVICE,
    SLICE,
    Body,
    difference,
    gateway_of,
    is_owned,
    service_of,
    slices_of,
)
from edge.control.answers.writer import Writer
from edge.control.api.errors import RefusedError
from edge.control.api.list_watch import is_older
from edge.control.api.reflector import Reflector
from edge.control.api.transport import MERGE_PATCH
from edge.control.kinds import resources
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.services import GATEWAY_NAME_LABEL, MANAGED_BY_LABEL
from edge.control.translate.gateway.services import MANAGER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.answers.pods import Pods
    from edge.control.api.errors import KubernetesError
    from edge.control.api.lease import Election
    from edge.control.api.list_watch import Timing
    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import Key
    from edge.control.publishing.state import Round
    from edge.control.translate.gateway.services import GatewayService

logger = logging.getLogger(__name__)

KINDS: Final = {SERVICE: resources.SERVICE, SLICE: resources.ENDPOINT_SLICE}
SELECTOR: Final = f"{GATEWAY_NAME_LABEL},{MANAGED_BY_LABEL}={MANAGER}"


class Job(NamedTuple):
    """A write."""

    method: str
    body: Body
    have: Body | None
    """The version that it is based on."""
    drops: int
    """The number of deleted objects at that time."""


class _List(msgspec.Struct):
    """The objects in an answer."""

    items: list[Body]


class GatewayServiceWriter(Writer[Job]):
    """Makes the Services of Gateways while ELECTION is won; PODS are those behind them."""

    what = "Service of Gateway"

    def __init__(
        self, transport: Transport, election: Election, pods: Pods, *, namespace: str, timing: Timing | None = None
    ) -> None:
        """NAMESPACE: the only one that is watched; empty: all."""
        super().__init__(transport, election)
        self._pods = pods
        self._services: dict[ObjectId, GatewayService] = {}
        self._made: dict[ObjectId, frozenset[ObjectId]] = {}
        """Objects by Gateway."""
        self._seen: dict[ObjectId, Body] = {}
        self._written: dict[ObjectId, str] = {}
        """The versions in the answers to our writes that the watch has not delivered yet."""
        self._slices: dict[ObjectId, set[ObjectId]] = {}
        """Existing slices that we or an earlier process have made, by Gateway."""
        self._wanted: dict[ObjectId, Body | None] = {}
        """None: it is to be deleted."""
        self._drops = 0
        """The number of objects that were deleted: the answer to a write may be older than that."""
        self._synced: set[str] = set()
        self._reflectors = [
            Reflector(transport, kind.collection(namespace, labels=SELECTOR), _Sink(self, name), timing=timing)
            for name, kind in KINDS.items()
        ]
        pods.listeners.append(self._pods_changed)

    def start(self) -> None:
        """Begin in threads of its own."""
        for one in self._reflectors:
            one.start()
        super().start()

    def stop(self) -> None:
        """End soon."""
        for one in self._reflectors:
            one.stop()
        super().stop()

    # --- what is heard, by other threads ----------------------------------------------------------------------------

    def heard(self, what: Round) -> None:
        """The routing table is different."""
        if not what.services:
            return
        with self._changed:
            for gateway, service in what.services.items():
                if service is None:
                    self._services.pop(gateway, None)
                else:
                    self._services[gateway] = service
                self._want(gateway)

    def _pods_changed(self) -> None:
        with self._changed:
            for gateway in self._services:
                self._want(gateway)

    def seen(self, name: ObjectId, body: Body) -> None:
        """The object NAME is as BODY says."""
        with self._changed:
            if is_older(_version(body), self._written.get(name, "")):
                return  # the watch is behind a write of ours
            self._written.pop(name, None)
            self._unindex(name)
            self._seen[name] = body
            gateway = gateway_of(name, body)
            if gateway is not None:
                self._slices.setdefault(gateway, set()).add(name)
                if name not in self._wanted and gateway in self._services:
                    self._want(gateway)
            self._consider(name)

    def gone(self, name: ObjectId) -> None:
        """It is deleted."""
        with self._changed:
            self._unindex(name)
            self._seen.pop(name, None)
            self._written.pop(name, None)
            self._drops += 1
            self._consider(name)

    def _unindex(self, name: ObjectId) -> None:
        """Take NAME, as it was seen last, out of the slices by Gateway."""
        gateway = gateway_of(name, self._seen.get(name, {}))
        if gateway is not None and (slices := self._slices.get(gateway)) is not None:
            slices.discard(name)
            if not slices:
                del self._slices[gateway]

    def synced(self, kind: str) -> None:
        """All existing objects of KIND have been seen."""
        with self._changed:
            self._synced.add(kind)
            self._consider_all()

    def _want(self, gateway: ObjectId) -> None:
        """Find out which objects GATEWAY is to have."""
        service = self._services.get(gateway)
        objects: dict[ObjectId, Body] = dict([service_of(service)]) if service is not None else {}
        before = self._made.pop(gateway, frozenset())
        pods = self._pods.endpoints()
        if service is not None and (pods is not None or service.backends):
            objects.update(slices_of(service, pods or ()))
            before |= self._slices.get(gateway, frozenset())
        elif service is not None:  # our pods are not known: the slices stay as they are
            before = frozenset(one for one in before if one.kind == SERVICE)
        if objects:
            self._made[gateway] = frozenset(objects)
        for name in before - objects.keys():
            self._wanted[name] = None
            self._consider(name)
        for name, body in objects.items():
            if self._wanted.get(name) != body:
                self._wanted[name] = body
                self._consider(name)

    def _every(self) -> Iterable[ObjectId]:
        return self._wanted

    def _consider(self, name: ObjectId) -> None:
        if name in self._wanted and name.kind in self._synced:
            self._make_due(name)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _job(self, name: ObjectId) -> Job | None:
        wanted, have = self._wanted.get(name), self._seen.get(name)
        if wanted is None:
            if have is None:
                self._wanted.pop(name, None)
                return None
            return Job("DELETE", _only(have), have, self._drops)
        if name.kind == SERVICE and not wanted["spec"]["ports"]:
            return None  # the API server requires ports: none is made, and an existing Service keeps its addresses
        if have is None:
            return Job("POST", wanted, have, self._drops)
        # An object that is being deleted is made again when it is gone.
        patch = difference(have, wanted) if not have["metadata"].get("deletionTimestamp") else None
        if patch is None:
            return None
        body = {**patch, "metadata": {**patch.get("metadata", {}), "resourceVersion": _version(have)}}
        return Job("PATCH", body, have, self._drops)

    def _write(self, name: ObjectId, job: Job) -> None:
        kind, key = KINDS[name.kind], (name.namespace, name.name)
        path = kind.collection(name.namespace).path if job.method == "POST" else kind.path_of(key)
        content = {"content_type": MERGE_PATCH} if job.method == "PATCH" else {}
        try:
            answer = self._request(job.method, path, job.body, **content)
        except RefusedError as error:
            if error.reason == "AlreadyExists" and self._label_again(name, job.body):
                return  # the watch will deliver it
            raise
        if answer is None or job.method == "DELETE":
            return
        try:
            body = msgspec.json.decode(answer, type=dict)
        except msgspec.DecodeError:
            return  # the watch will deliver it
        with self._changed:
            seen, version = self._seen.get(name), _version(body)
            if self._drops == job.drops and (seen is job.have or is_older(_version(seen), version)):
                self._seen[name], self._written[name] = body, version

    def _label_again(self, name: ObjectId, wanted: Body) -> bool:
        """Give the object NAME, which is not WANTED's, its labels again if the Gateway owns it; whether that is done.

        Raises:
            KubernetesError: it is not known whose it is, or not done.
        """
        kind = KINDS[name.kind]
        collection = kind.collection(name.namespace, name=name.name)
        answer = self._request("GET", f"{collection.path}?{urlencode(collection.query)}")
        if answer is None:
            return False
        try:
            found = msgspec.json.decode(answer, type=_List).items
        except msgspec.DecodeError:
            return False
        if len(found) != 1 or not is_owned(found[0], wanted) or found[0]["metadata"].get("deletionTimestamp"):
            return False
        metadata = {"resourceVersion": _version(found[0]), "labels": wanted["metadata"]["labels"]}
        path = kind.path_of((name.namespace, name.name))
        self._request("PATCH", path, {"metadata": metadata}, content_type=MERGE_PATCH)
        logger.warning("%s has got its labels again, which somebody has changed", name)
        return True

    def _failed(self, name: ObjectId, error: KubernetesError) -> None:
        first = name not in self._conflicts
        if first and isinstance(error, RefusedError) and error.reason == "AlreadyExists":
            logger.warning("%s is there and is not Edge's; it is left alone, and tried again", name)
        super()._failed(name, error)

    def _right(self, name: ObjectId) -> str:  # noqa: ARG002 - the same for both kinds
        return f"verbs create, patch and delete on {' and '.join(kind.resource for kind in KINDS.values())}"


def _version(body: Body | None) -> str:
    """The resourceVersion of BODY; empty: it has none."""
    version: str = body["metadata"].get("resourceVersion", "") if body is not None else ""
    return version


def _only(have: Body) -> Body:
    """The options of a request that deletes the object that we HAVE seen, and not a newer one of that name."""
    return {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": have["metadata"]["uid"]}}


class _Sink:
    """Reports the objects of one KIND to WRITER."""

    def __init__(self, writer: GatewayServiceWriter, kind: str) -> None:
        self._writer = writer
        self._kind = kind

    def decode(self, key: Key, raw: msgspec.Raw) -> Body:  # noqa: ARG002 - the sink's signature
        """The object."""
        body: Body = msgspec.json.decode(raw)
        return body

    def put(self, key: Key, value: Body) -> None:
        """It exists, or is different."""
        self._writer.seen(ObjectId(self._kind, *key), value)

    def drop(self, key: Key) -> None:
        """It is gone."""
        self._writer.gone(ObjectId(self._kind, *key))

    def synced(self) -> None:
        """The first list is complete."""
        self._writer.synced(self._kind)

    def refused(self, times: int) -> None:
        """The reflector has said so in the log."""
