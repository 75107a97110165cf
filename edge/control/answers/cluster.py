"""Writes status, Events and the Services of Gateways to the cluster, from the elected instance only.

Rules of this file:
- Nothing here is needed for routing. Writes that fail are repeated later or dropped; the log has the reason.
"""

from __future__ import annotations

import socket
import uuid
from typing import TYPE_CHECKING

from edge.control.answers import addresses, pods
from edge.control.answers.events import EventWriter
from edge.control.answers.gateway_services import GatewayServiceWriter
from edge.control.answers.gateway_status import GatewayStatusWriter
from edge.control.answers.pods import Pods
from edge.control.answers.status import IngressStatusWriter
from edge.control.api import configuration
from edge.control.api.lease import Election, Term

if TYPE_CHECKING:
    from edge.control.api.list_watch import Timing
    from edge.control.publishing.state import State
    from edge.control.sources.cluster.source import KubernetesSource
    from edge.settings import Settings

WITHDRAWAL = 10.0
"""Longest time to take our addresses out of all status, seconds: the launcher waits no longer than 15 s."""


class Cluster:
    """The writers of one control plane."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        source: KubernetesSource,
        *,
        term: Term | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Must be made before SOURCE is started, so that no Ingress is missed."""
        transport = source.transport
        namespace = configuration.own_namespace(transport.configuration, settings)
        name = pods.own_name() or socket.gethostname()
        self._settings = settings
        self._term = term or Term.of(settings.election_ttl)
        self.election = Election(
            transport,
            namespace=settings.election_namespace or namespace,
            name=settings.election_id,
            identity=f"{name}_{uuid.uuid4()}",
            term=self._term,
        )
        self._pods = Pods(transport, namespace, name=pods.own_name(), timing=timing)
        self._origin = addresses.choose(settings, transport, self._pods, timing=timing)
        self.status: IngressStatusWriter | None = None
        self.gateway_status: GatewayStatusWriter | None = None
        self.gateway_services: GatewayServiceWriter | None = None
        if settings.update_status:
            self.status = IngressStatusWriter(transport, self.election, self._origin)
            self.gateway_status = GatewayStatusWriter(
                transport, self.election, self._origin, controller=settings.controller_class, timing=timing
            )
        if settings.gateway_services:
            self.gateway_services = GatewayServiceWriter(
                transport, self.election, self._pods, namespace=settings.watch_namespace, timing=timing
            )
        self.events = None
        if settings.events:
            self.events = EventWriter(transport, self.election, instance=name, sync=not settings.disable_sync_events)
        self._listen(state, source)

    def _listen(self, state: State, source: KubernetesSource) -> None:
        """Register every writer for what it needs of the table, and of the objects as they arrive."""
        if self.status is not None:
            source.observers.of_ingresses.append(self.status)
            state.listeners.append(self.status.heard)
        if self.gateway_status is not None:
            source.observers.of_statuses.append(self.gateway_status)
            state.listeners.append(self.gateway_status.heard)
        if self.gateway_services is not None:
            state.listeners.append(self.gateway_services.heard)
        if self.events is not None:
            state.listeners.append(self.events.heard)

    def start(self) -> None:
        """Begin in threads of its own."""
        if self.status is not None or self.gateway_services is not None:
            self._pods.start()
        if self.gateway_services is not None:
            self.gateway_services.start()
        if self.status is not None:
            self._origin.start()
            self.status.start()
        if self.gateway_status is not None:
            self.gateway_status.start()
        if self.events is not None:
            self.events.start()
        if self.status is not None or self.events is not None or self.gateway_services is not None:
            self.election.start()

    def stop(self) -> None:
        """Remove our addresses from the status if we are the last instance, and release the Lease; the source must
        still run."""
        status = self.status
        if self.events is not None:
            self.events.stop()
        if status is not None:
            if self._settings.update_status_on_shutdown and status.has_something and self._is_last():
                status.withdraw(WITHDRAWAL)
            status.stop()
        if self.gateway_status is not None:
            self.gateway_status.stop()
        if self.gateway_services is not None:
            self.gateway_services.stop()
        if status is not None:
            self._origin.stop()
        self._pods.stop()
        self.election.stop()

    def _is_last(self) -> bool:
        """Whether no other instance is known; only the leader knows of others."""
        if not self.election.leads:
            return False
        others = self._pods.others()
        return self.election.is_alone(1.5 * self._term.retry) if others is None else others == 0
