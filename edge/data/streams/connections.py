"""One client's connection to one endpoint: chosen, connected, relayed, accounted for.

Rules of this file:
- An endpoint that does not take the connection is left out for a while, as for requests, and another one is tried.
  From its first byte on the connection is that endpoint's, whatever becomes of the stream in the table.
- Where neither side has TLS of ours the kernel's sockets are joined without a greenlet (`edge.data.net._relay`);
  otherwise two greenlets carry what is inside.
- A side that breaks off has the other one broken off: nobody takes what he got for complete.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any

from edge.data.net._relay import RESET, Relay
from edge.data.net.errors import StreamError
from edge.data.net.tunnel import carry_both
from edge.data.observe.stream_log import Ended
from edge.data.streams.proxy_header import ends_of, header
from edge.data.upstream import ejection
from edge.data.upstream.pool import ConnectError
from edge.table.counters import WorkerWord
from edge.table.streams import ProxyHeader

if TYPE_CHECKING:
    from edge.data.http.forwarding import Forwarding
    from edge.data.net._stream import Stream
    from edge.data.observe.stream_log import StreamLog
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
        self.relay: Relay | None = None

    def describe_anew(self, forwarding: Forwarding) -> None:
        """Nobody is described."""

    def drain(self) -> None:
        """There are no words for it."""

    def close_idle(self) -> None:
        """Nobody knows whether it is idle."""

    def close(self) -> None:
        """End it at once."""
        if self.relay is not None:
            self.relay.end()
        else:
            self.stream.close()


class StreamConnections:
    """The relayed connections of one worker."""

    def __init__(
        self, plans: StreamPlans, pool: Pool, counters: WorkerCounters, connections: set[Any], log: StreamLog | None
    ) -> None:
        """CONNECTIONS: all of the worker that draining has to know of."""
        self.plans = plans
        self._pool = pool
        self._counters = counters
        self._open = connections
        self._log = log

    def serve(
        self,
        plan: StreamPlan,
        client: Stream,
        address: str,
        *,
        protocol: str,
        ends: Ends | None = None,
        ahead: bytes = b"",
        secure: bool = False,
    ) -> None:
        """Relay CLIENT, whose address is ADDRESS, by PLAN until it ends.

        PROTOCOL: `tcp` or `tls`. ENDS: as a balancer in front says; None: as the socket says. AHEAD: bytes that were
        taken from the client. SECURE: CLIENT speaks TLS with us.
        """
        destination = plan.destination()
        if destination is None:
            return
        session = Session(plan, destination, client, address)
        self._counters.add(STREAMS_ACTIVE, 1)
        self._open.add(session.connection)
        try:
            target = session.connect(self._pool, self._counters)
            if target is not None:
                session.relay(target, ends, ahead, secure=secure)
        except (StreamError, OSError) as error:
            log.debug("stream of %s: %s", address, error)
        finally:
            session.close()
            self._open.discard(session.connection)
            self._counters.add(STREAMS_ACTIVE, -1)
            self._account(session.ended(protocol), destination)

    def _account(self, ended: Ended, destination: Destination) -> None:
        destination.count(ended)
        if self._log is not None:
            self._log.add(ended, destination.name)


class Session:
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

    def relay(self, target: Target, ends: Ends | None, ahead: bytes, *, secure: bool) -> None:
        """Carry bytes until both sides have ended."""
        client, endpoint, record = self._client, self._endpoint, self._record
        assert endpoint is not None  # noqa: S101 - it has just been connected
        if record.send_proxy is not ProxyHeader.NONE:
            endpoint.write(header(record.send_proxy, ends if ends is not None else ends_of(client)))
        if ahead:
            endpoint.write(ahead)
        if endpoint.pending:
            endpoint.flush()
        if secure or target.tls is not None:
            self._carry(client, endpoint, record.idle_timeout)
            return
        relay = self.connection.relay = Relay(client.fd, endpoint.fd, record.idle_timeout)
        try:
            outcome = relay.run()
        finally:
            self.received, self.sent = relay.from_client + len(ahead), relay.to_client
        if outcome == RESET:
            client.abort()
            endpoint.abort()

    def _carry(self, client: Stream, endpoint: Stream, timeout: float) -> None:
        received, sent = client.received, client.sent
        try:
            carry_both(client, endpoint, timeout)
        finally:
            self.received, self.sent = client.received - received, client.sent - sent

    def ended(self, protocol: str) -> Ended:
        """What counters and the log read of it."""
        seconds = monotonic() - self.begun
        totals = self.received, self.sent
        return Ended(protocol, self.address, self.status, seconds, self.connecting, *totals, self.endpoint_name)

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
