"""A listening socket whose connections are relayed to the stream of its scope.

Rules of this file:
- The limit of connections, waiting for other workers and draining are those of `Listener`. Above the limit a connection
  is closed, because there is no protocol for an answer.
- If the stream does not exist, or is closed, its connections are closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.accepting.listener import Listener, Opening, ends_of
from edge.data.net._poller import Readable
from edge.data.streams.plan import TCP
from edge.table.counters import WorkerWord
from edge.table.streams import stream_key

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    from edge.data.accepting.proxy_protocol import Source
    from edge.data.net._stream import Stream


class Arrivals(Readable):
    """Connections that wait at FD, which LISTENER accepts."""

    def __init__(self, fd: int, listener: StreamListener) -> None:
        super().__init__(fd)
        self._listener = listener

    def call(self) -> int:
        """Have the listener accept. The poller calls this as a C method, which is cheaper than a Python function."""
        self._listener._acceptable()  # noqa: SLF001 - as the event loop calls it
        return 0


class StreamListener(Listener):
    """One listening socket for the stream of a scope."""

    def __init__(self, sock: socket.socket, *shared: Any, scope: str, **rest: Any) -> None:
        """SHARED, REST: as for `Listener`."""
        super().__init__(sock, *shared, tls=False, scope=scope, **rest)
        self._key = stream_key(scope)
        self._plans = self.streams.plans if self.streams is not None else None
        self._sessions = self.streams.sessions if self.streams is not None else None
        self._watcher = self._readable = Arrivals(self._fd, self)

    def _take(self, most: int) -> bool:
        """As `Listener._take`; connections that need nothing before they are relayed have no greenlet."""
        connections = self.connections
        room = connections.most - connections.accepted + connections.refusing
        plan = self._plans.find(self._key) if self._plans is not None and room > 0 else None
        if plan is None or not plan.direct or self._sessions is None:
            return Listener._take(self, most)  # noqa: SLF001 - Cython knows no super() of a C method
        # Mostly one is waiting, and to look for a second one costs as much as a small event.
        most = min(most, room) if self._readable.again else 1
        accepted = self._sessions.accept(self._fd, plan, most)
        connections.accepted += accepted
        return accepted == most

    def serve(self, stream: Stream, peer: str, over: Callable[[], None]) -> bool:  # noqa: ARG002 - it ends in here
        """Relay a connection of PEER."""
        streams = self.streams
        plan = streams.plans.find(self._key) if streams is not None else None
        if plan is None or streams is None:
            return False
        self.connections.counters.add(WorkerWord.CONNECTIONS_HANDLED, 1)
        source = self._opened(stream, peer) if plan.record.proxied else None
        address = source.address if source is not None else peer
        streams.serve(plan, stream, address, protocol=TCP, ends=ends_of(source))
        return False

    def _opened(self, stream: Stream, peer: str) -> Source | None:
        """As `source`, of a connection that draining may close meanwhile."""
        opening = Opening(stream)
        self.connections.open.add(opening)
        try:
            return self.source(stream, peer)
        finally:
            self.connections.open.discard(opening)

    def refuse(self, stream: Stream, peer: str) -> None:  # noqa: ARG002 - the same for every peer
        """Above the limit of connections: close."""
        connections = self.connections
        connections.counters.add(WorkerWord.CONNECTIONS_REFUSED, 1)
        message = "more than %d connections (--max-worker-connections, limit of open files): closed"
        self.complain(message, connections.most)
