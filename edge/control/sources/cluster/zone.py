"""The zone that we are in: the label of the node of our pod.

Rules of this file:
- Neither a pod's node nor a node's zone changes, so one answer is enough. Until it comes, hints are ignored.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.api.backoff import Backoff
from edge.control.api.errors import KubernetesError, MalformedError
from edge.control.kinds import resources
from edge.control.kinds.objects import Metadata, Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import Key

logger = logging.getLogger(__name__)

LABEL: Final = "topology.kubernetes.io/zone"


class Placed(Struct, frozen=True):
    """Where a pod runs."""

    node_name: str = ""


class Labelled(Struct, frozen=True):
    """The fields of a pod or a node that are read."""

    metadata: Metadata
    spec: Placed = Placed()


_decode = msgspec.json.Decoder(Labelled).decode


class ZoneFinder:
    """Finds the zone of POD and calls FOUND with it, from a thread of its own."""

    def __init__(self, transport: Transport, pod: Key, found: Callable[[str], None]) -> None:
        """POD: namespace and name; without a name we run outside of a pod."""
        self._transport = transport
        self._pod = pod
        self._found = found
        self._backoff = Backoff()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="find zone", daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._pod[1]:
            self._thread.start()
        else:
            logger.warning("--enable-topology-aware-routing: outside of a pod ($POD_NAME) --zone has to name the zone")

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                zone = self._zone()
            except KubernetesError as error:
                if not self._backoff.failures:
                    logger.warning("--enable-topology-aware-routing: the zone cannot be found out yet: %s", error)
                self._stopping.wait(self._backoff.next())
                continue
            if not zone:
                logger.warning("--enable-topology-aware-routing: the pod's node has no label %s; use --zone", LABEL)
            self._found(zone)
            return

    def _zone(self) -> str:
        node = self._get(resources.POD.path_of(self._pod)).spec.node_name
        return (self._get(resources.NODE.path_of(("", node))).metadata.labels or {}).get(LABEL, "")

    def _get(self, path: str) -> Labelled:
        raw = self._transport.request("GET", path)
        try:
            return _decode(raw)
        except msgspec.DecodeError as error:
            raise MalformedError(f"{path}: {error}") from error
