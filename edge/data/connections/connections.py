"""The connections of clients to one worker, and what all of them share."""

from __future__ import annotations

import logging
import resource
from typing import TYPE_CHECKING, Protocol

from edge.data.http._fields import Limits
from edge.data.http.clock import SERVER, Clock
from edge.data.http.forwarding import Forwarding
from edge.data.net._accept import Counted
from edge.table.counters import WorkerWord
from edge.table.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.client import Client
    from edge.data.handling.handler import Handler
    from edge.data.http.h2._streams import H2Stream
    from edge.data.net._stream import Stream
    from edge.settings import Settings
    from edge.table.counters import WorkerCounters
    from edge.table.reader import TableReader

log = logging.getLogger("edge.data")

MOST_REFUSALS = 64
"""Connections above the limit that get time to read the answer; further ones are answered only if the write does not
block."""
MOST_KEPT_FREE = 1024
"""Descriptors that are kept for connections to endpoints, or a quarter of all if that is less."""
MOST_SPARE_STREAMS = 256
OWN_DESCRIPTORS = 32
"""Descriptors that are not connections: listeners, table, counters, logs."""


class Connection(Protocol):
    """A client connection, as draining and counting see it."""

    @property
    def stream(self) -> Stream:
        """Its byte stream."""

    @property
    def idle(self) -> bool:
        """Whether it is between two requests, or before the first."""

    @property
    def upgraded(self) -> bool:
        """Whether it carries only another protocol now, such as WebSocket."""

    def drain(self) -> None:
        """The worker stops: announce that to the client, if the protocol allows it."""

    def retune(self, forwarding: Forwarding) -> None:
        """Use the current parameters from the next request on, and FORWARDING to determine the client."""

    def close_idle(self) -> None:
        """Close it if it is idle."""

    def close(self) -> None:
        """Close it at once."""


class Connections(Counted):
    """The connections of one worker.

    - `keep_alive`, `header_timeout`, `body_timeout`: seconds; `keep_alive_requests`: of one connection.
    - `http2`: whether HTTP/2 is spoken, with `most_streams` at a time on one connection. `spare_streams`: those that
      can be used again, `most_spare` of them.
    - `open`: those that speak HTTP. `accepted`: all that are open, also before they speak HTTP. `refusing`: those among
      them that are above the limit `most`, and are being refused; `most_refusals` at a time.
    - `proxied`: connections begin with a PROXY header, within `proxy_header_timeout` seconds.
    - `table`: the one whose parameters are in force; None: there is none.
    - `draining`: the worker ends, and keeps no connection.
    """

    def __init__(self, settings: Settings, counters: WorkerCounters, make_handler: Callable[[Client], Handler]) -> None:
        """MAKE_HANDLER makes what serves the requests of a client half."""
        self.counters = counters
        self.make_handler = make_handler
        self.table: TableReader | None = None
        self.spare_streams: list[H2Stream] = []
        self.most_spare = MOST_SPARE_STREAMS
        self.clock = Clock()
        self.open: set[Connection] = set()
        self.accepted = 0
        self.refusing = 0
        self.draining = False
        self.most = 0
        self.tune(settings, Parameters())

    def tune(self, settings: Settings, parameters: Parameters) -> None:
        """Use SETTINGS and PARAMETERS from now on. Open connections use them from their next request on, except for
        values that they have announced to their clients."""
        self.clock.server = SERVER if parameters.sends_server else b""
        self.clock.tick()
        self.keep_alive = settings.keep_alive
        self.keep_alive_requests = settings.keep_alive_requests if settings.keep_alive > 0 else 1
        self.header_timeout = settings.client_header_timeout
        self.body_timeout = settings.client_body_timeout
        self.http2 = settings.use_http2
        self.most_streams = settings.http2_max_concurrent_streams
        self.proxied = settings.use_proxy_protocol
        self.proxy_header_timeout = settings.proxy_protocol_header_timeout
        self.forwarding = Forwarding(settings, parameters)
        for connection in self.open:
            connection.retune(self.forwarding)
        self.limits = Limits(
            line=settings.max_request_line,
            head=settings.max_header_size,
            fields=settings.max_headers,
            underscores=settings.enable_underscores_in_headers,
            timeout=settings.client_header_timeout,
            refusal=parameters.large_header_status,
        )
        before = self.most
        self.most, self.most_refusals = _limits(settings.max_worker_connections)
        if self.most != before and self.most < settings.max_worker_connections:
            log.warning("at most %d connections: the limit of open files does not allow for more", self.most)

    def look(self) -> None:
        """Read the newest table, at each new connection and request, because parameters may have changed."""
        table = self.table
        if table is not None and table.changed():
            table.refresh()

    def drain(self) -> None:
        """Keep no connection alive from now on."""
        self.draining = True
        for connection in list(self.open):
            connection.drain()

    def close_idle(self) -> None:
        """Close the connections that wait for a request."""
        for connection in list(self.open):
            connection.close_idle()

    def count(self) -> None:
        """Set the gauges of connections; once a second."""
        counters = self.counters
        idle = [connection for connection in self.open if connection.idle]
        reading = sum(1 for connection in idle if len(connection.stream))
        upgraded = sum(1 for connection in self.open if connection.upgraded)
        counters.set(WorkerWord.CONNECTIONS_READING, reading)
        counters.set(WorkerWord.CONNECTIONS_WAITING, len(idle) - reading)
        counters.set(WorkerWord.CONNECTIONS_WRITING, len(self.open) - len(idle) - upgraded)


def _limits(wanted: int) -> tuple[int, int]:
    """How many client connections to serve, and to refuse at a time: WANTED at most, and fewer if descriptors are few,
    so that some remain for endpoints, and clients are refused instead of left waiting."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return wanted, MOST_REFUSALS
    most = max(1, descriptors - min(descriptors // 4, MOST_KEPT_FREE) - OWN_DESCRIPTORS)
    return min(wanted, most), min(MOST_REFUSALS, max(1, descriptors // 16))
