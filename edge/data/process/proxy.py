"""One worker's proxy: everything that its connections share.

Rules of this file:
- It is made after fork, by the worker, once per process.
- Work that is due once a second for the whole worker is done in `tick`, nowhere else.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.data.accepting.contexts import Contexts
from edge.data.accepting.handshake import Handshakes
from edge.data.connections.connections import Connections
from edge.data.handling.calls import Calls
from edge.data.handling.handler import Handler
from edge.data.handling.handling import Handling
from edge.data.handling.subrequests import Subrequests
from edge.data.handling.traced import TracedHandler
from edge.data.http._fields import Limits
from edge.data.net._datagrams import relayed_datagrams
from edge.data.net._relay import relayed_bytes
from edge.data.net._stream import counted_bytes
from edge.data.net.spool import Spools
from edge.data.observe._stream_log import StreamLog
from edge.data.process.slack import Slack
from edge.data.process.sockets import https_port
from edge.data.process.tuning import Tuning
from edge.data.routing.planner import Planner
from edge.data.routing.router import Router
from edge.data.streams._datagram_sessions import Datagrams
from edge.data.streams.connections import StreamConnections
from edge.data.streams.plan import StreamPlans
from edge.data.upstream.budget import RetryBudget
from edge.data.upstream.pool import Pool
from edge.data.upstream.reports import Reports
from edge.settings import LARGEST_HEAD
from edge.system import logs
from edge.table.counters import WorkerWord
from edge.table.reader import UnreadableError

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.observe.access_log import AccessLog
    from edge.data.observe.tracing import Traces
    from edge.settings import Settings
    from edge.table.counters import WorkerCounters
    from edge.table.reader import TableReader

DATAGRAMS = (WorkerWord.DATAGRAMS_IN, WorkerWord.DATAGRAMS_OUT, WorkerWord.DATAGRAMS_DROPPED)
"""The words for the first numbers that `relayed_datagrams` returns."""
RECLAIM = 60.0
"""Least seconds between two searches for series of routes that are gone."""


class Proxy:
    """The worker's table, routes, endpoints, certificates, connections and counters."""

    def __init__(
        self,
        settings: Settings,
        table: TableReader,
        counters: WorkerCounters,
        access_log: AccessLog | None,
        traces: Traces,
    ) -> None:
        self.table = table
        self.tuning = tuning = Tuning(settings, table)
        self.counters = counters
        self.log = logging.getLogger("edge.data")
        self.planner = Planner(
            table,
            counters,
            logged=access_log is not None,
            largest_head=settings.max_response_header_size,
            https_port=settings.public_https_port or https_port(settings),
        )
        self.router = Router(table, self.planner, settings.health_check_path)
        self.pool = Pool(counters, self.planner.targets, Limits(head=LARGEST_HEAD, fields=1024, underscores=True))
        self.retry_budget = RetryBudget()
        self._traces = traces
        tuning.follow(traces.tune)
        self.spools = Spools(settings.temp_dir, size=settings.max_temp_size)
        self.handling = self._handling(access_log, tunnel_timeout=settings.websocket_timeout)
        self.connections = Connections(settings, counters, self._handler)
        self.connections.table = table
        contexts = Contexts(table, http2=settings.use_http2)
        self.handshakes = Handshakes(contexts, counters, self.log, timeout=settings.tls_handshake_timeout)
        stream_log = _stream_log(settings, access_log)
        plans = StreamPlans(table, self.planner, counters)
        self.streams = StreamConnections(plans, self.pool, counters, self.connections, stream_log)
        most = self.connections.most // 2  # many of them must leave file descriptors for connections
        self.datagrams = Datagrams(plans, counters, stream_log, most=most)
        for one in (self.pool, self.connections, contexts, logs, access_log, stream_log):
            if one is not None:
                tuning.follow(one.tune)
        self._reports = Reports(counters, self.planner.targets)
        self._fault = ""
        self._refusals = 0
        self._received, self._sent = _client_bytes()
        self._datagrams = relayed_datagrams()
        self._slack = Slack()
        self._reclaimed = 0
        self._reclaim_at = time.monotonic() + RECLAIM

    def _handling(self, access_log: AccessLog | None, *, tunnel_timeout: float) -> Handling:
        """What the handlers of all connections share."""
        calls = Calls(self.pool, self.retry_budget, self.counters)
        self.planner.subrequests = Subrequests(calls).to
        return Handling(self.router, calls, self.counters, access_log, self.spools, tunnel_timeout=tunnel_timeout)

    def _handler(self, client: Client) -> Handler:
        """The handler for the requests of CLIENT."""
        if self._traces.current is not None:
            return TracedHandler(self.handling, client, self._traces.current)
        return Handler(self.handling, client)

    def tick(self) -> None:
        """Once a second: clock, table, idle connections, gauges."""
        self.connections.clock.tick()
        self.table.reopen()
        self.tuning.take_up()
        self._report()
        self.pool.expire()
        self.retry_budget.refill()
        self.datagrams.expire()
        self.streams.plans.forget()
        self._reclaim()
        self._slack.look(self.connections.accepted)
        self._reports.tick()
        self._count()

    def _report(self) -> None:
        """Log the records of the table that cannot be read, each fault once."""
        for report in self.table.take_reports():
            self.log.error("%s", report)
        fault = self.table.fault
        text = str(fault or "") if not isinstance(fault, UnreadableError) else self._fault
        if text and text != self._fault:
            self.log.error(
                "the newest table is refused: %s; the last good one stays in force, without one the answer is 503",
                fault,
            )
        self._fault = text

    def _reclaim(self) -> None:
        """Forget the series of routes that are gone, after changes of routes, and not too often."""
        generation, now = self.table.routes.generation, time.monotonic()
        if generation != self._reclaimed and now >= self._reclaim_at:
            self._reclaimed, self._reclaim_at = generation, now + RECLAIM
            self.counters.reclaim(lambda labels: self.router.serves(labels) or self.streams.plans.serves(labels))

    def _count(self) -> None:
        counters = self.counters
        received, sent = _client_bytes()
        counters.beat()
        counters.add(WorkerWord.BYTES_IN, received - self._received)
        counters.add(WorkerWord.BYTES_OUT, sent - self._sent)
        self._received, self._sent = received, sent
        before, self._datagrams = self._datagrams, relayed_datagrams()
        for word, number, known in zip(DATAGRAMS, self._datagrams, before, strict=False):
            counters.add(word, number - known)
        counters.set(WorkerWord.GENERATION, self.table.generation)
        counters.add(WorkerWord.TABLE_REFUSALS, max(self.table.refusals - self._refusals, 0))
        self._refusals = self.table.refusals
        self.connections.count()
        counters.set(WorkerWord.UPSTREAM_IDLE, len(self.planner.targets.idle()))
        counters.set(WorkerWord.TEMPORARY_BYTES, self.spools.held())


def _stream_log(settings: Settings, access_log: AccessLog | None) -> StreamLog | None:
    """The log of TCP and UDP sessions, which is written with ACCESS_LOG; None: there is no log."""
    if access_log is None:
        return None
    return StreamLog(access_log, settings.log_format_stream, as_json=settings.log_format == "json")


def _client_bytes() -> tuple[int, int]:
    """Bytes from and to clients, by this process so far."""
    streams = (counted_bytes(), relayed_bytes(), relayed_datagrams()[3:])
    return sum(one[0] for one in streams), sum(one[1] for one in streams)
