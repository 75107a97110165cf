"""Sessions of datagrams: which client has which endpoint, and for how long.

Rules of this file:
- A session begins with a client's first datagram and ends after the answers that are expected, after silence, or with
  an ICMP error of its endpoint, which is then left out for a while.
- It stays with its endpoint for as long as that is the Service's. When the endpoint is gone from the table, the
  client's next datagram begins another session.
- Above the limit of sessions, and without an endpoint, datagrams are dropped and counted.
"""

from __future__ import annotations

import logging
import os
import socket
from time import monotonic
from typing import TYPE_CHECKING

from edge.data.net._datagrams import DatagramPort, DatagramSession
from edge.data.streams.connections import BAD_GATEWAY, DONE
from edge.data.streams.plan import UDP
from edge.data.upstream import ejection
from edge.table.counters import WorkerWord
from edge.table.streams import stream_key

if TYPE_CHECKING:
    from edge.data.observe._stream_log import StreamLog
    from edge.data.streams.plan import Destination, StreamPlans
    from edge.data.upstream.target import Target
    from edge.table.counters import WorkerCounters
    from edge.table.streams import StreamRoute

LAST_ANSWERS = 2.0
"""Seconds for which sessions of a socket that is to be closed still wait."""
log = logging.getLogger("edge.data")


class Datagrams:
    """The sessions of one worker."""

    def __init__(self, plans: StreamPlans, counters: WorkerCounters, log: StreamLog | None, *, most: int) -> None:
        """MOST: sessions at a time."""
        self.plans = plans
        self.counters = counters
        self.log = log
        self.most = most
        self.listeners: set[DatagramListener] = set()
        self.open = 0

    def expire(self) -> None:
        """End sessions that are silent for too long, or whose endpoint is gone; once a second."""
        for listener in list(self.listeners):
            listener.expire()

    def waiting(self, seconds: float) -> bool:
        """Whether answers are expected by sessions that have not been silent for SECONDS."""
        sessions = (one for listener in self.listeners for one in listener.port.open())
        return any(one.waiting and one.silence < seconds for one in sessions)


class DatagramListener:
    """One socket for datagrams of the stream of a scope; SOCK is owned."""

    def __init__(self, sock: socket.socket, datagrams: Datagrams, scope: str) -> None:
        self._sock = sock
        self._datagrams = datagrams
        self._key = stream_key(scope)
        self._stopped = False
        self.port = DatagramPort(sock.fileno(), self._begin)

    def start(self) -> None:
        """Take datagrams."""
        self._datagrams.listeners.add(self)
        self.port.start()

    def stop(self) -> None:
        """Take no more. Sessions that wait for answers get them for a moment, then the socket is closed."""
        self.port.stop()
        self._stopped = True
        self.expire()

    def expire(self) -> None:
        """As `Datagrams.expire`."""
        for session in self.port.open():
            assert isinstance(session, Session)  # noqa: S101 - `_begin` makes no others
            over = self._stopped and not (session.waiting and session.silence < LAST_ANSWERS)
            if over or session.silence >= session.timeout or session.homeless:
                session.end()
        if self._stopped and not len(self.port):
            self._datagrams.listeners.discard(self)
            self._sock.close()

    def _begin(self, address: str, port: int) -> Session | None:  # noqa: ARG002 - the address alone decides
        datagrams = self._datagrams
        plan = datagrams.plans.find(self._key)
        destination = plan.destination() if plan is not None else None
        if plan is None or destination is None or datagrams.open >= datagrams.most:
            return None
        target = destination.chooser(address).choose(())
        if target is None:
            return None
        try:
            fd = _connected(target)
        except OSError as error:
            log.error("no socket for endpoint %s: %s", target.name, error.strerror)  # noqa: TRY400
            return None
        return Session(fd, datagrams, destination, target, client=address, stream=plan.record)


class Session(DatagramSession):
    """One client's datagrams to TARGET."""

    def __init__(
        self,
        fd: int,
        datagrams: Datagrams,
        destination: Destination,
        target: Target,
        *,
        client: str,
        stream: StreamRoute,
    ) -> None:
        super().__init__(fd, stream.responses)
        self._datagrams = datagrams
        self._destination = destination
        self._target = target
        self._client = client
        self._begun = monotonic()
        self.timeout = stream.idle_timeout
        target.in_flight += 1
        datagrams.open += 1
        datagrams.counters.add(WorkerWord.SESSIONS_ACTIVE, 1)

    @property
    def homeless(self) -> bool:
        """Whether its endpoint is no longer the Service's."""
        return self._destination.balancer.ready() and self._target not in self._destination.balancer.targets

    def ended(self, error: int) -> None:
        """Account for it."""
        datagrams, target = self._datagrams, self._target
        target.in_flight -= 1
        datagrams.open -= 1
        datagrams.counters.add(WorkerWord.SESSIONS_ACTIVE, -1)
        if error:
            ejection.note_failure(datagrams.counters, target, OSError(error, f"{target.name}: {os.strerror(error)}"))
        elif self.responses:
            target.succeeded()
        status = BAD_GATEWAY if error else DONE
        seconds = monotonic() - self._begun
        numbers = (seconds, 0.0, self.received, self.sent)
        self._destination.series(UDP, status).record(*numbers)
        if datagrams.log is not None:
            datagrams.log.add("udp", self._client, status, *numbers, target.name, self._destination.name)


def _connected(target: Target) -> int:
    """A non-blocking socket that is connected to TARGET."""
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect((target.address, target.port))
        return sock.detach()
