"""The addresses that the status of our Ingresses shows: from settings, from a Service, or from the nodes of our pods.

Rules of this file:
- "Not known" (None) is not "none": while the addresses are not known, the status stays as it is.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

import msgspec

from edge.control.api.backoff import Backoff
from edge.control.api.errors import KubernetesError, MalformedError, RefusedError
from edge.control.api.reflector import Reflector
from edge.control.api.threads import persist
from edge.control.kinds import resources
from edge.control.kinds.decoding import decode
from edge.control.kinds.objects import ObjectError, Struct
from edge.control.kinds.services import Service
from edge.control.translate.service_addresses import Addresses, addresses_of, normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.answers.pods import Pods
    from edge.control.api.list_watch import Timing
    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import Key
    from edge.settings import Settings

logger = logging.getLogger(__name__)

REFRESH = 300.0
"""Seconds after which the addresses of nodes are asked for again."""


class Origin(Protocol):
    """A source of addresses."""

    listeners: list[Callable[[], None]]
    """Called when `addresses` may give something else; must not wait."""

    def start(self) -> None:
        """Start."""

    def stop(self) -> None:
        """End soon."""

    def addresses(self) -> Addresses | None:
        """The addresses; None: not known."""


def choose(settings: Settings, transport: Transport, pods: Pods, *, timing: Timing | None = None) -> Origin:
    """The source that SETTINGS select: `--publish-status-address`, else `--publish-service`, else the nodes of PODS."""
    if settings.publish_status_address:
        return Fixed(settings.publish_status_address)
    if settings.publish_service:
        return OfService(transport, settings.publish_service, timing=timing)
    return OfNodes(transport, pods, internal=settings.report_node_internal_ip_address)


class Fixed:
    """The addresses in a setting, comma separated."""

    def __init__(self, text: str) -> None:
        self.listeners: list[Callable[[], None]] = []
        self._addresses = normal(part.strip() for part in text.split(","))

    def start(self) -> None:
        """Nothing to find out."""

    def stop(self) -> None:
        """Nothing to end."""

    def addresses(self) -> Addresses | None:
        """The addresses; None: none of them is usable."""
        return self._addresses or None


class OfService:
    """The addresses that a Service has, by its type."""

    def __init__(self, transport: Transport, service: str, *, timing: Timing | None = None) -> None:
        """SERVICE is `NAMESPACE/NAME`."""
        self.listeners: list[Callable[[], None]] = []
        self._service = service
        namespace, _, name = service.partition("/")
        self._known: Addresses | None = None
        collection = resources.SERVICE.collection(namespace, name=name)
        self._reflector: Reflector[Addresses | None] = Reflector(transport, collection, self, timing=timing)

    def start(self) -> None:
        """Follow the Service."""
        self._reflector.start()

    def stop(self) -> None:
        """End soon."""
        self._reflector.stop()

    def addresses(self) -> Addresses | None:
        """The addresses; None while there is no such Service."""
        return self._known

    def decode(self, key: Key, raw: msgspec.Raw) -> Addresses | None:  # noqa: ARG002  # the sink's signature
        """The addresses in the Service, None when it cannot be read."""
        try:
            service = decode(raw, "Service")
        except ObjectError as error:
            logger.warning("--publish-service %s: %s", self._service, error)
            return None
        return addresses_of(service) if isinstance(service, Service) else None

    def put(self, key: Key, value: Addresses | None) -> None:  # noqa: ARG002  # the sink's signature
        """The Service is there."""
        self._know(value)

    def drop(self, key: Key) -> None:  # noqa: ARG002  # the sink's signature
        """The Service is gone; its last addresses are shown until it is back."""
        logger.warning("--publish-service %s: there is no such Service; the status stays as it is", self._service)
        self._know(None)

    def synced(self) -> None:
        """The first list is complete: warn if the Service is not in it."""
        if self._known is None:
            logger.warning("--publish-service %s: there is no such Service", self._service)

    def refused(self, times: int) -> None:
        """Nothing to do: the reflector logs it."""

    def _know(self, addresses: Addresses | None) -> None:
        self._known = addresses
        for listener in self.listeners:
            listener()


class NodeAddress(Struct, frozen=True):
    """One address of a node."""

    type: str = ""
    address: str = ""


class NodeStatus(Struct, frozen=True):
    """The addresses that a node reports."""

    addresses: tuple[NodeAddress, ...] | None = None


class Node(Struct, frozen=True):
    """The fields of a node that are read."""

    status: NodeStatus = NodeStatus()

    def address(self, *, internal: bool) -> str:
        """Its external address, or its internal one if it has no other or INTERNAL is set; empty: it has none."""
        for kind in ("InternalIP",) if internal else ("ExternalIP", "InternalIP"):
            for one in self.status.addresses or ():
                if one.type == kind and one.address:
                    return one.address
        return ""


_decode_node = msgspec.json.Decoder(Node).decode


class OfNodes:
    """The addresses of the nodes where our pods run."""

    def __init__(self, transport: Transport, pods: Pods, *, internal: bool) -> None:
        self.listeners: list[Callable[[], None]] = []
        self._transport = transport
        self._pods = pods
        self._internal = internal
        self._known: Addresses | None = None
        self._backoff = Backoff()
        self._wait = REFRESH
        self._stopping = False
        self._changed = threading.Event()
        self._thread = threading.Thread(target=persist, args=(self._turn,), name="read nodes", daemon=True)
        pods.listeners.append(self._changed.set)

    def start(self) -> None:
        """Follow the pods."""
        if not self._pods.in_pod:
            logger.warning(
                "status: it is left alone, because we run outside of a pod ($POD_NAME) and neither --publish-service"
                " nor --publish-status-address says where Ingresses are served"
            )
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stopping = True
        self._changed.set()

    def addresses(self) -> Addresses | None:
        """The addresses; None while no pod of ours is known to run."""
        return self._known

    def _turn(self) -> bool:
        """Wait until a read of the nodes is due, and read them; False: stop."""
        self._changed.wait(self._wait)
        self._changed.clear()
        nodes = self._pods.nodes()
        if not nodes or self._stopping:  # none: pods of one revision have gone, those of the next are coming
            return not self._stopping
        try:
            found = normal(self._address(node) for node in sorted(nodes))
        except KubernetesError as error:
            if not self._backoff.failures:
                logger.warning("addresses of nodes: %s", error)
            self._wait = self._backoff.next()
            return True
        self._backoff.reset()
        self._wait = REFRESH
        if found and found != self._known:
            self._known = found
            for listener in self.listeners:
                listener()
        return True

    def _address(self, name: str) -> str:
        try:
            raw = self._transport.request("GET", resources.NODE.path_of(("", name)))
            return _decode_node(raw).address(internal=self._internal)
        except msgspec.DecodeError as error:
            raise MalformedError(f"node {name}: {error}") from error
        except RefusedError as error:
            if error.code == 404:  # removed a moment ago, its pods are about to follow
                return ""
            if error.code == 403:
                raise RefusedError(403, error.reason, f"{error.message}; grant the verb get on nodes") from error
            raise
