"""What all connections of one worker share. (A Kubernetes Service is a record: `edge.table.records.Service`.)

Rules of this file:
- It is made after fork, by the worker; nothing here exists twice in a process.
- What is done once a second for the whole worker is done in `tick`, nowhere else.
"""

from __future__ import annotations

import logging
import resource
import time
from typing import TYPE_CHECKING, Protocol

from edge.data.accepting.contexts import Contexts
from edge.data.accepting.handshake import Handshakes
from edge.data.handling.handler import Exchange
from edge.data.http import replies
from edge.data.http._fields import Limits
from edge.data.http.clock import Clock
from edge.data.http.forwarding import Forwarding
from edge.data.net._stream import counted_bytes
from edge.data.routing.plan import Planner
from edge.data.routing.router import Router
from edge.data.upstream.budget import RetryBudget
from edge.data.upstream.pool import Upstreams
from edge.table.counters import Process
from edge.table.reader import UnreadableError

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.http.h1._head import Head
    from edge.data.http.replies import Reply
    from edge.data.net._stream import Stream
    from edge.data.observe.access_log import AccessLog
    from edge.data.observe.spans import Tracing
    from edge.settings import Settings
    from edge.table.counters import WorkerCounters
    from edge.table.reader import TableReader

MOST_REFUSALS = 64
"""Connections above the limit that get time to take the answer; further ones are told, if that can be done at once."""
MOST_KEPT_FREE = 1024
"""Descriptors that client connections leave to those to endpoints, where a quarter is not less."""
OWN_DESCRIPTORS = 32
"""That are no connections: listeners, table, counters, logs."""
RECLAIM = 60.0
"""Least seconds between two looks for series of routes that are gone."""


class Connection(Protocol):
    """What draining and counting need to know of a client connection."""

    stream: Stream
    idle: bool
    """Between two requests, or before the first."""
    upgraded: bool
    """It carries another protocol by now, such as WebSocket."""

    def close_idle(self) -> None:
        """End it if that does no harm."""

    def close(self) -> None:
        """End it at once."""


class Service:
    """The worker's table, routes, endpoints, certificates, counters and clock."""

    def __init__(
        self,
        settings: Settings,
        table: TableReader,
        counters: WorkerCounters,
        access_log: AccessLog | None,
        tracing: Tracing | None = None,
    ) -> None:
        self.settings = settings
        self.table = table
        self.counters = counters
        self.access_log = access_log
        self.tracing = tracing
        self.log = logging.getLogger("edge.data")
        self.clock = Clock()
        self.forwarding = Forwarding(settings)
        self.planner = Planner(table, counters, access_log)
        self.router = Router(table, self.planner, settings.health_check_path)
        self.endpoints = table.endpoints
        self.contexts = Contexts(table)
        self.upstreams = Upstreams(
            counters,
            self.planner.targets,
            keep=settings.upstream_keepalive_connections,
            keep_for=settings.upstream_keepalive_timeout,
        )
        self.request_limits = Limits(
            line=settings.max_request_line,
            head=settings.max_header_size,
            fields=settings.max_headers,
            underscores=settings.enable_underscores_in_headers,
            timeout=settings.client_header_timeout,
        )
        self.response_limits = Limits(head=settings.max_response_header_size, fields=1024, underscores=True)
        self.retry_budget = RetryBudget()
        self.connections: set[Connection] = set()
        self.most_connections, self.most_refusals = _limits(settings.max_worker_connections)
        if self.most_connections < settings.max_worker_connections:
            self.log.warning(
                "at most %d connections: the limit of open files does not allow for more", self.most_connections
            )
        self.accepted = 0
        """Connections that are open, also those that have not come to speak HTTP yet."""
        self.refusing = 0
        """Those among them that are above the limit, and being told so."""
        self.handshakes = Handshakes(self.contexts, counters, self.log, timeout=settings.tls_handshake_timeout)
        self.draining = False
        self._fault = ""
        self._refusals = 0
        self._received, self._sent = counted_bytes()
        self._reclaimed = 0
        self._reclaim_at = time.monotonic() + RECLAIM

    def default_reply(self, request: Head) -> Reply:
        """The answer to a request that no route takes, or that is a load balancer's probe."""
        self.counters.add(Process.UNMATCHED, 1)
        if self.table.generation == 0:
            return replies.UNAVAILABLE
        return replies.HEALTHY if self.router.probed(request.host, request.target) else replies.NOT_FOUND

    def exchange(self, client: Client) -> Exchange:
        """What serves the requests of CLIENT."""
        return Exchange(self, client) if self.tracing is None else self.tracing.exchange(self, client)

    def close_idle(self) -> None:
        """End the connections that wait for a request."""
        for connection in list(self.connections):
            connection.close_idle()

    def tick(self) -> None:
        """Once a second: clock, table, idle connections, gauges."""
        self.clock.tick()
        self.table.reopen()
        self._report()
        self.upstreams.expire()
        self.retry_budget.refill()
        self._reclaim()
        self._gauges()

    def _report(self) -> None:
        """Say in the log what of the table cannot be read, each fault once."""
        for report in self.table.take_reports():
            self.log.error("%s; its last good version stays in force, or else requests for it are answered 503", report)
        fault = self.table.fault
        text = str(fault or "") if not isinstance(fault, UnreadableError) else self._fault
        if text and text != self._fault:
            self.log.error(
                "the newest table is refused: %s; the last good one stays in force, or else requests are answered 503",
                fault,
            )
        self._fault = text

    def _reclaim(self) -> None:
        """Forget the series of routes that are gone, where routes have changed, and not more often than worth it."""
        generation, now = self.table.routes.generation, time.monotonic()
        if generation != self._reclaimed and now >= self._reclaim_at:
            self._reclaimed, self._reclaim_at = generation, now + RECLAIM
            self.counters.reclaim(self.router.serves)

    def _gauges(self) -> None:
        counters = self.counters
        idle = [connection for connection in self.connections if connection.idle]
        reading = sum(1 for connection in idle if len(connection.stream))
        upgraded = sum(1 for connection in self.connections if connection.upgraded)
        received, sent = counted_bytes()
        counters.beat()
        counters.add(Process.BYTES_IN, received - self._received)
        counters.add(Process.BYTES_OUT, sent - self._sent)
        self._received, self._sent = received, sent
        counters.set(Process.GENERATION, self.table.generation)
        counters.add(Process.TABLE_REFUSALS, max(self.table.refusals - self._refusals, 0))
        self._refusals = self.table.refusals
        counters.set(Process.CONNECTIONS_READING, reading)
        counters.set(Process.CONNECTIONS_WAITING, len(idle) - reading)
        counters.set(Process.CONNECTIONS_WRITING, len(self.connections) - len(idle) - upgraded)
        counters.set(Process.UPSTREAM_IDLE, len(self.planner.targets.idle()))


def _limits(wanted: int) -> tuple[int, int]:
    """How many client connections to serve, and to refuse at a time: WANTED at most, and fewer where descriptors are
    few, so that a share of them remains for endpoints and clients are told instead of left waiting."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return wanted, MOST_REFUSALS
    most = max(1, descriptors - min(descriptors // 4, MOST_KEPT_FREE) - OWN_DESCRIPTORS)
    return min(wanted, most), min(MOST_REFUSALS, max(1, descriptors // 16))
