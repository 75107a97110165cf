"""The endpoints of a worker: their health and their idle connections.

Rules of this file:
- A `Target` is one address, port and transport for the whole worker: all Services that name it share its idle
  connections and its health.
- Health checks are passive: a target that refuses connections, or breaks several in a row, is ejected for a while,
  longer each time, and gets its share of requests back slowly. If all targets are ejected, all are used.
"""

from __future__ import annotations

import random
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from edge.data.net._accept import socket_address
from edge.data.net._tls import Session
from edge.system.addresses import Address
from edge.table.records import Protocol as Spoken
from edge.table.records import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gevent.event import AsyncResult

    from edge.data.upstream.tls import EndpointTls

FIRST_EJECTION = 1.0
LONGEST_EJECTION = 30.0
SLOW_RETURN = 10.0
"""Seconds after an ejection during which a target's share of requests grows back to normal."""
QUIET = 10.0
"""Seconds between two messages in the log about faults of one target."""
BREAKS = 5
"""New connections in a row that broke without an answer, after which a target is ejected as if it refused them."""


PLAIN = Transport()


class Idle(Protocol):
    """A connection that waits for a request."""

    target: Target
    idle_since: float
    """Monotonic seconds; 0: in use."""

    def open(self, check: bool) -> bool:
        """Whether it can be used; CHECK looks at the socket (one system call)."""

    def close(self) -> None:
        """End it."""


class Shared(Idle, Protocol):
    """A connection that carries several requests at a time."""

    def has_room(self, check: bool) -> bool:
        """Whether it takes a further request; CHECK looks at the socket (one system call)."""

    def upstream(self) -> Any:
        """A half for a further request."""

    def retire(self) -> None:
        """Take no further request, and end when the last one has."""


class Target:
    """One endpoint of this worker."""

    def __init__(self, address: str, port: int, transport: Transport = PLAIN, tls: EndpointTls | None = None) -> None:
        """TLS: that of TRANSPORT, made ready."""
        self.address = address
        self.port = port
        self.socket_address = socket_address(address, port)
        self.transport = transport
        self.tls = tls
        self.session = Session()
        """The TLS session by which the next connection is resumed."""
        self.name = str(Address(address, port))
        self.idle: list[Idle] = []
        """Connections that serve one request at a time, as far as they are idle."""
        self.shares = transport.protocol is Spoken.HTTP2
        """Whether connections carry several requests at a time."""
        self.shared: list[Shared] = []
        """Those that take further requests."""
        self.attempt: AsyncResult[None] | None = None
        """Set when the connection that is being made is ready; None: none is being made."""
        self.in_flight = 0
        self.failures = 0
        """Ejections since it was last healthy."""
        self.breaks = 0
        """New connections in a row that broke without an answer."""
        self.ejected_until = 0.0
        self.quiet_until = 0.0
        self.users = 0
        """Balancers that name this target; idle connections are kept only while there is one."""

    def __repr__(self) -> str:
        return f"<Target {self.name} idle={len(self.idle)} in_flight={self.in_flight} failures={self.failures}>"

    def failed(self) -> bool:
        """Note a connection that could not be made; whether the target has been ejected just now."""
        now = monotonic()
        if self.ejected_until > now:
            return False
        self.failures += 1
        self.ejected_until = now + min(FIRST_EJECTION * 2.0 ** min(self.failures - 1, 32), LONGEST_EJECTION)
        return True

    def broke(self) -> bool:
        """Note a new connection that broke without an answer; whether the target has been ejected just now."""
        self.breaks += 1
        return self.breaks % BREAKS == 0 and self.failed()

    def succeeded(self) -> None:
        """Note a connection that was made: a current ejection ends, and the slow return begins."""
        if self.failures:
            now = monotonic()
            self.ejected_until = min(self.ejected_until, now)
            self._recover(now)

    def may_be_reported(self) -> bool:
        """Whether a fault is to be logged: at most one every `QUIET` seconds."""
        now = monotonic()
        if now < self.quiet_until:
            return False
        self.quiet_until = now + QUIET
        return True

    def out(self) -> bool:
        """Whether it is ejected now."""
        return self.failures > 0 and self.ejected_until > monotonic()

    def may_try(self, now: float) -> bool:
        """Whether a target with failures should be given this request."""
        if self._recover(now):
            return True
        away = now - self.ejected_until
        return away > 0 and random.random() < max(0.1, away / SLOW_RETURN)

    def _recover(self, now: float) -> bool:
        """Forget old failures; returns whether there are none now."""
        if now - self.ejected_until >= SLOW_RETURN:
            self.failures = 0
        return not self.failures


class Targets:
    """All targets of this worker."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, Transport], Target] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Target]:
        return iter(list(self._known.values()))

    def acquire(self, address: str, port: int, transport: Transport = PLAIN, tls: EndpointTls | None = None) -> Target:
        """The target at ADDRESS and PORT by TRANSPORT, for one more balancer; TLS: that of TRANSPORT, made ready."""
        target = self._known.get((address, port, transport))
        if target is None:
            target = self._known[address, port, transport] = Target(address, port, transport, tls)
        target.users += 1
        return target

    def release(self, target: Target) -> None:
        """A balancer no longer names TARGET: the last one closes its idle connections."""
        target.users -= 1
        if target.users == 0:
            self._known.pop((target.address, target.port, target.transport), None)
            while target.idle:
                target.idle.pop().close()
            for connection in list(target.shared):
                connection.retire()

    def idle(self) -> list[Idle]:
        """All idle connections."""
        found = [connection for target in self._known.values() for connection in target.idle]
        for target in self._known.values():
            found += [connection for connection in target.shared if connection.idle_since]
        return found
