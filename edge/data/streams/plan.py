"""Streams made ready: each decision that does not depend on the connection is taken once, as for routes.

Rules of this file:
- A plan is made when its stream is first asked for and thrown away when the record changes; sessions go on with the
  plan that they began with.
- A stream that cannot be applied as its record says is closed: connections are closed, datagrams dropped.
"""

from __future__ import annotations

import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.data.upstream.keyed import Keyed
from edge.data.upstream.tls import TermsError
from edge.table.counter_layout import stream_labels
from edge.table.counters import WorkerWord
from edge.table.reader import UnreadableError
from edge.table.records import upstream_name
from edge.table.streams import ProxyHeader, StreamRoute, is_stream

if TYPE_CHECKING:
    from edge.data.routing.planner import Planner
    from edge.data.upstream.balancer import Balancer
    from edge.data.upstream.chooser import Chooser
    from edge.table._counters import Series
    from edge.table.counter_layout import RouteLabels
    from edge.table.counters import WorkerCounters
    from edge.table.reader import TableReader
    from edge.table.records import Backend

log = logging.getLogger("edge.data")


PROTOCOLS = ("tcp", "tls", "udp")
"""As counters and the log name them; sessions have the index."""
TCP, TLS, UDP = range(len(PROTOCOLS))
KINDS = len(PROTOCOLS)


class Destination:
    """One backend of a stream: where its sessions go, and where they are counted."""

    def __init__(
        self, key: str, stream: StreamRoute, backend: Backend, balancer: Balancer, counters: WorkerCounters
    ) -> None:
        self.balancer = balancer
        self.backend = backend
        self.owner = stream.owner
        self.name = upstream_name(backend.namespace, backend.service, backend.port)
        self._labels = stream_labels(key, stream, backend)
        self._by_client = stream.by_client
        self._counters = counters
        self._series: dict[int, Series] = {}
        self._last = -1
        self._last_series: Series | None = None
        """What was asked for the last time, which is mostly what is asked for again."""

    def chooser(self, client: str) -> Chooser:
        """What chooses the endpoint for a session of CLIENT, an address, which counts where the plan is `by_client`."""
        return Keyed(self.balancer, client.encode(), 1) if self._by_client else self.balancer

    def series(self, protocol: int, status: int) -> Series:
        """Where sessions of PROTOCOL (an index of `PROTOCOLS`) that end with STATUS are counted."""
        at = status * KINDS + protocol
        if at == self._last and self._last_series is not None:
            return self._last_series
        found = self._series.get(at)
        if found is None:
            found = self._series[at] = self._counters.sessions(self._labels, PROTOCOLS[protocol], status)
        self._last, self._last_series = at, found
        return found


class StreamPlan:
    """One stream.

    - `direct`: its connections need nothing but what the kernel does: no PROXY header of clients is read, and no TLS is
      spoken to endpoints.
    - `generation`: of the routes for which it is known to be the newest.
    - The others are fields of the record, as C has them.
    """

    def __init__(self, record: StreamRoute, destinations: tuple[Destination, ...]) -> None:
        self.record = record
        self.destinations = destinations
        self.generation = -1
        self.by_client = record.by_client
        self.secured = any(one.balancer.transport.tls is not None for one in destinations)
        self.direct = not record.proxied and not self.secured
        self.idle_timeout = record.idle_timeout
        self.connect_timeout = record.connect_timeout
        self.tries = record.tries
        self.tries_timeout = record.tries_timeout
        self.sends_header = record.send_proxy is not ProxyHeader.NONE
        self.responses = record.responses
        self._weights = [one.backend.weight for one in destinations]
        self._only = destinations[0] if len(destinations) == 1 and self._weights[0] > 0 else None

    def destination(self) -> Destination | None:
        """Where the next session goes; None: nowhere."""
        if self._only is not None or not any(self._weights):
            return self._only
        return random.choices(self.destinations, self._weights)[0]  # noqa: S311 - it need not be unpredictable


class StreamPlans:
    """The streams of the table in this worker."""

    def __init__(self, table: TableReader, planner: Planner, counters: WorkerCounters) -> None:
        self._table = table
        self._planner = planner
        self._counters = counters
        self._made: dict[str, StreamPlan] = {}
        self._last = ""
        self._last_made: StreamPlan | None = None
        """What was asked for the last time, as in `Destination`."""
        self._generation = -1

    def find(self, key: str) -> StreamPlan | None:
        """The plan of the stream under KEY as the newest table has it; None: there is none, or it is closed."""
        table = self._table
        if table.changed():
            table.refresh()
        routes = table.routes
        made = self._last_made
        if made is not None and key is self._last and made.generation == routes.generation:
            return made
        made = self._made.get(key)
        if made is not None and made.generation == routes.generation:
            self._last, self._last_made = key, made
            return made
        try:
            record = routes.get(key, StreamRoute)
        except UnreadableError:
            return made
        if record is None:
            return None
        if made is None or made.record is not record:
            plan = self._made[key] = self._plan(key, record)
            if made is not None:
                self._release(made)
            made = plan
        made.generation = routes.generation
        return made

    def serves(self, labels: RouteLabels) -> bool:
        """Whether the table has a stream with these LABELS."""
        if not is_stream(labels.path):
            return False
        try:
            record = self._table.routes.get(labels.path, StreamRoute)
        except UnreadableError:
            return True
        return record is not None and any(stream_labels(labels.path, record, one) == labels for one in record.backends)

    def _plan(self, key: str, record: StreamRoute) -> StreamPlan:
        destinations: list[Destination] = []
        try:
            for backend in record.backends:
                balancer = self._planner.balancer(backend.key, backend.transport)
                destinations.append(Destination(key, record, backend, balancer, self._counters))
        except TermsError as error:
            self._counters.add(WorkerWord.CLOSED_ROUTES, 1)
            log.error("%s (%s) is closed: %s cannot be applied", key, record.owner, error)  # noqa: TRY400
            for one in destinations:
                self._planner.release(one.balancer)
            destinations = []
        return StreamPlan(record, tuple(destinations))

    def _release(self, plan: StreamPlan) -> None:
        for one in plan.destinations:
            self._planner.release(one.balancer)

    def forget(self) -> None:
        """Drop the plans of streams that are gone; once a second."""
        routes = self._table.routes
        if self._generation == routes.generation:
            return
        self._generation = routes.generation
        for key in list(self._made):
            with suppress(UnreadableError):
                if routes.get(key, StreamRoute) is None:
                    self._release(self._made.pop(key))
