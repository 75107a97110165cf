"""The pods of this installation: where they run, and whether ours is the last.

Rules of this file:
- $POD_NAME names our pod. Its siblings are the pods with the same labels, not counting labels that controllers give to
  a single revision or pod. Outside of a pod there are none, and no request is made.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from edge.control.api.backoff import Backoff
from edge.control.api.errors import KubernetesError, MalformedError
from edge.control.api.reflector import Reflector
from edge.control.kinds import resources
from edge.control.kinds.objects import Metadata, Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.api.list_watch import Timing
    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import Key

logger = logging.getLogger(__name__)

PASSING_LABELS = frozenset(
    {
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
    }
)


class PodSpec(Struct, frozen=True):
    """The place of a pod."""

    node_name: str = ""


class PodAddress(Struct, frozen=True):
    """An address of a pod (PodIP)."""

    ip: str = ""


class PodCondition(Struct, frozen=True):
    """One of the conditions of a pod."""

    type: str = ""
    status: str = ""


class PodStatus(Struct, frozen=True):
    """The state of a pod."""

    phase: str = ""
    pod_ips: tuple[PodAddress, ...] | None = msgspec.field(default=None, name="podIPs")
    conditions: tuple[PodCondition, ...] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it has the condition Ready."""
        return any(one.type == "Ready" and one.status == "True" for one in self.conditions or ())


class PodEndpoint(NamedTuple):
    """A pod of ours as an endpoint."""

    namespace: str
    name: str
    uid: str
    node: str
    addresses: tuple[str, ...]
    ready: bool
    serving: bool
    terminating: bool


class Pod(Struct, frozen=True):
    """The fields of a pod that are read."""

    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def is_leaving(self) -> bool:
        """Whether it has ended or is about to."""
        return bool(self.metadata.deletion_timestamp) or self.status.phase in ("Succeeded", "Failed")


_decode = msgspec.json.Decoder(Pod).decode


def _endpoint(pod: Pod) -> PodEndpoint:
    metadata, serving, leaving = pod.metadata, pod.status.is_ready, pod.is_leaving
    return PodEndpoint(
        metadata.namespace,
        metadata.name,
        metadata.uid,
        pod.spec.node_name,
        tuple(one.ip for one in pod.status.pod_ips or ()),
        serving and not leaving,
        serving,
        leaving,
    )


def own_name() -> str:
    """The name of our pod; empty outside a pod or if POD_NAME is not set."""
    return os.environ.get("POD_NAME", "")


class Pods:
    """Our pod and its siblings."""

    def __init__(self, transport: Transport, namespace: str, *, name: str, timing: Timing | None = None) -> None:
        self.listeners: list[Callable[[], None]] = []
        """Called when there is something new; must not wait."""
        self._transport = transport
        self._own: Key = (namespace, name)
        self._timing = timing
        self._pods: dict[Key, Pod] = {}
        self._reflector: Reflector[Pod | None] | None = None
        self._is_synced = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="find pods", daemon=True)

    @property
    def in_pod(self) -> bool:
        """Whether POD_NAME says that we run in a pod."""
        return bool(self._own[1])

    def start(self) -> None:
        """Begin, if we are in a pod."""
        if self.in_pod:
            self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
        if self._reflector is not None:
            self._reflector.stop()

    def others(self) -> int | None:
        """How many siblings remain when we end; None: not known."""
        if not self._is_synced:
            return None
        return sum(not pod.is_leaving for key, pod in list(self._pods.items()) if key != self._own)

    def nodes(self) -> frozenset[str] | None:
        """Names of the nodes where running pods of ours are; None: not known."""
        if not self._is_synced:
            return None
        pods = list(self._pods.values())
        running = (pod for pod in pods if pod.status.phase == "Running" and not pod.is_leaving)
        return frozenset(pod.spec.node_name for pod in running if pod.spec.node_name)

    def endpoints(self) -> tuple[PodEndpoint, ...] | None:
        """The pods of ours that run, as endpoints, sorted by name; None: not known."""
        if not self._is_synced:
            return None
        running = [pod for _, pod in sorted(self._pods.items()) if pod.status.phase == "Running"]
        return tuple(_endpoint(pod) for pod in running if pod.status.pod_ips)

    def _run(self) -> None:
        """Read our labels, then watch the pods that have them too."""
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                labels = self._labels()
            except KubernetesError as error:
                if not backoff.failures:
                    logger.warning("pod %s/%s: %s; grant the verb get on pods there", *self._own, error)
                self._stopping.wait(backoff.next())
                continue
            collection = resources.POD.collection(self._own[0], labels=labels)
            self._reflector = Reflector(self._transport, collection, self, timing=self._timing)
            if not self._stopping.is_set():
                self._reflector.start()
            return

    def _labels(self) -> str:
        raw = self._transport.request("GET", resources.POD.path_of(self._own))
        try:
            pod = _decode(raw)
        except msgspec.DecodeError as error:
            raise MalformedError(str(error)) from error
        labels = pod.metadata.labels or {}
        return ",".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in PASSING_LABELS)

    # --- called by the reflector --------------------------------------------------------------------------------------

    def decode(self, key: Key, raw: msgspec.Raw) -> Pod | None:
        """The pod, None when it cannot be read."""
        try:
            return _decode(raw)
        except msgspec.DecodeError as error:
            logger.warning("pod %s/%s is ignored: %s", *key, error)
            return None

    def put(self, key: Key, value: Pod | None) -> None:
        """A pod is there."""
        if value is not None:
            self._pods[key] = value
            self._notify()

    def drop(self, key: Key) -> None:
        """A pod is gone."""
        self._pods.pop(key, None)
        self._notify()

    def synced(self) -> None:
        """The first list of pods is complete."""
        self._is_synced = True
        self._notify()

    def refused(self, times: int) -> None:
        """The reflector has said so in the log."""

    def _notify(self) -> None:
        if self._is_synced:
            for listener in self.listeners:
                listener()
