"""One client's connection to one endpoint, over TLS of ours on one side or both: chosen, connected, carried, counted.

Rules of this file:
- Connections that have no TLS of ours are `edge.data.streams._sessions`'s, without a greenlet; rules of endpoints are
  the same there. Here two greenlets carry what is inside.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any

from edge.data.net.errors import StreamError
from edge.data.net.tunnel import carry_both
from edge.data.streams._sessions import Sessions
from edge.data.streams.plan import PROTOCOLS
from edge.data.streams.proxy_header import ends_of, header
from edge.data.upstream import ejection
from edge.data.upstream.pool import ConnectError
from edge.table.counters import WorkerWord
from edge.table.streams import ProxyHeader

if TYPE_CHECKING:
    from edge.data.http.forwarding import Forwarding
    from edge.data.net._stream import Stream
    from edge.data.observe._stream_log import StreamLog
    from edge.data.streams.plan import Destination, StreamPlan, StreamPlans
    from edge.data.streams.proxy_header import Ends
    from edge.data.upstream.pool import Pool
    from edge.data.upstream.target import Target
    from edge.table.counters import WorkerCounters

log = logging.getLogger("edge.data")

DONE = 200
"""Statuses of a session, as nginx counts them (stream module, $status)."""
OURS = 500
BAD_GATEWAY = 502
UNAVAILABLE = 503
STREAMS_ACTIVE = int(WorkerWord.STREAMS_ACTIVE)


class StreamConnection:
    """A relayed connection, as draining and counting see it (`edge.data.connections.connections.Connection`)."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.idle = False
        self.upgraded = True

    def retune(self, forwarding: Forwarding) -> None:
        """Nothing to do: it sends no fields about its client."""

    def drain(self) -> None:
        """Nothing to do: a stream cannot be asked to end."""

    def close_idle(self) -> None:
        """Nothing to do: whether it is idle is not known."""

    def close(self) -> None:
        """End it at once."""
        self.stream.close()


class StreamConnections:
    """The relayed connections of one worker. `sessions`: those without a greenlet."""

    def __init__(
        self, plans: StreamPlans, pool: Pool, counters: WorkerCounters, connections: Any, log: StreamLog | None
    ) -> None:
        """CONNECTIONS: all of the worker, `edge.data.connections.connections.Connections`."""
        self.plans = plans
        self.sessions = Sessions(pool, counters, connections, log)
        self._pool = pool
        self._counters = counters
        self._open: set[Any] = connections.open
        self._log = log

    def serve(
        self,
        plan: StreamPlan,
        client: Stream,
        address: str,
        *,
        protocol: int,
        ends: Ends | None = None,
        ahead: bytes = b"",
        secure: bool = False,
    ) -> None:
        """Relay CLIENT, whose address is ADDRESS, by PLAN until it ends; one without TLS of ours is handed on.

        PROTOCOL: `TCP` or `TLS`. ENDS: as a balancer in front says; None: as the socket says. AHEAD: bytes that were
        taken from the client. SECURE: CLIENT speaks TLS with us.
        """
        if not secure and not plan.secured:
            self.sessions.adopt(client.detach(), plan, address, protocol, ends, ahead)
            return
        destination = plan.destination()
        if destination is None:
            return
        carried = Carried(plan, destination, client, address)
        self._counters.add(STREAMS_ACTIVE, 1)
        self._open.add(carried.connection)
        try:
            target = carried.connect(self._pool, self._counters)
            if target is not None:
                carried.carry(ends, ahead)
        except (StreamError, OSError) as error:
            log.debug("stream of %s: %s", address, error)
        finally:
            carried.close()
            self._open.discard(carried.connection)
            self._counters.add(STREAMS_ACTIVE, -1)
            self._account(carried, destination, protocol)

    def _account(self, carried: Carried, destination: Destination, protocol: int) -> None:
        seconds = monotonic() - carried.begun
        numbers = (seconds, carried.connecting, carried.received, carried.sent)
        destination.series(protocol, carried.status).record(*numbers)
        if self._log is not None:
            self._log.add(
                PROTOCOLS[protocol],
                carried.address,
                carried.status,
                *numbers,
                carried.endpoint_name,
                destination.name,
                destination.owner,
            )


class Carried:
    """One of them."""

    def __init__(self, plan: StreamPlan, destination: Destination, client: Stream, address: str) -> None:
        self._record = plan.record
        self.destination = destination
        self.address = address
        self.connection = StreamConnection(client)
        self._client = client
        self._endpoint: Stream | None = None
        self._target: Target | None = None
        self.endpoint_name = ""
        self.begun = monotonic()
        self.connecting = -1.0
        """Seconds until an endpoint took the connection, or none did."""
        self.status = UNAVAILABLE
        self.received = self.sent = 0
        """Bytes from and to the client."""

    def connect(self, pool: Pool, counters: WorkerCounters) -> Target | None:
        """Connect to an endpoint; None: there is none that takes the connection, and `status` says why."""
        record = self._record
        chooser = self.destination.chooser(self.address)
        tried: tuple[Target, ...] = ()
        while (target := chooser.choose(tried)) is not None:
            self._target, self.endpoint_name = target, target.name
            target.in_flight += 1
            try:
                self._endpoint = pool.open(target, record.connect_timeout)
            except ConnectError as error:
                self._let_go()
                self.connecting = monotonic() - self.begun
                self.status = OURS if error.ours else BAD_GATEWAY
                if error.ours:
                    log.error("no connection to endpoint %s", error)  # noqa: TRY400 - the message says it all
                    break
                ejection.note_failure(counters, target, error)
                tried = (*tried, target)
                late = record.tries_timeout and self.connecting > record.tries_timeout
                if len(tried) == record.tries or late or self._client.closed:
                    break
                counters.add(WorkerWord.RETRIES, 1)
                continue
            target.succeeded()
            self.connecting = monotonic() - self.begun
            self.status = DONE
            return target
        return None

    def carry(self, ends: Ends | None, ahead: bytes) -> None:
        """Carry bytes until both sides have ended."""
        client, endpoint, record = self._client, self._endpoint, self._record
        assert endpoint is not None  # noqa: S101 - it has just been connected
        if record.send_proxy is not ProxyHeader.NONE:
            endpoint.write(header(record.send_proxy, ends if ends is not None else ends_of(client)))
        if ahead:
            endpoint.write(ahead)
        if endpoint.pending:
            endpoint.flush()
        received, sent = client.received, client.sent
        try:
            carry_both(client, endpoint, record.idle_timeout)
        finally:
            self.received, self.sent = client.received - received + len(ahead), client.sent - sent

    def close(self) -> None:
        """Close both sides."""
        self._client.close()
        if self._endpoint is not None:
            self._endpoint.close()
        self._let_go()

    def _let_go(self) -> None:
        target, self._target = self._target, None
        if target is not None:
            target.in_flight -= 1
