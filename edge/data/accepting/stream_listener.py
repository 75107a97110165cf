"""A listening socket whose connections are relayed: from accept to the stream of its scope.

Rules of this file:
- The limit of connections, hesitation and draining are those of `Listener`. Above the limit a connection is closed: no
  answer would mean anything to its client.
- A stream that is not there, or is closed, has its connections closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.accepting import proxy_protocol
from edge.data.accepting.listener import Listener, Opening
from edge.data.streams.proxy_header import Ends
from edge.table.counters import WorkerWord
from edge.table.streams import stream_key

if TYPE_CHECKING:
    import socket
    from typing import Any

    from edge.data.net._stream import Stream
    from edge.data.streams.connections import StreamConnections


class StreamListener(Listener):
    """One listening socket for the stream of a scope."""

    def __init__(self, sock: socket.socket, *shared: Any, streams: StreamConnections, scope: str, **rest: Any) -> None:
        """SHARED, REST: as for `Listener`."""
        super().__init__(sock, *shared, tls=False, scope=scope, **rest)
        self._streams = streams
        self._key = stream_key(scope)

    def serve(self, stream: Stream, peer: str) -> None:
        """Relay a connection of PEER."""
        plan = self._streams.plans.find(self._key)
        if plan is None:
            return
        self.connections.counters.add(WorkerWord.CONNECTIONS_HANDLED, 1)
        ends = self._ends(stream, peer) if plan.record.proxied else None
        self._streams.serve(plan, stream, ends.address if ends is not None else peer, protocol="tcp", ends=ends)

    def _ends(self, stream: Stream, peer: str) -> Ends | None:
        """What the PROXY header of a trusted PEER says; None: the socket's ends count."""
        opening = Opening(stream)
        self.connections.open.add(opening)
        try:
            stream.read_timeout = self.header_timeout
            stream.expire_in(self.header_timeout)
            source = proxy_protocol.read(stream)
        finally:
            self.connections.open.discard(opening)
        stream.expire_in(0)
        if source is None or not self.connections.forwarding.trusts(peer):
            return None
        return Ends(source.address, source.port, source.destination, source.destination_port)

    def refuse(self, stream: Stream, peer: str) -> None:  # noqa: ARG002 - whoever it is
        """Above the limit of connections: end."""
        connections = self.connections
        connections.counters.add(WorkerWord.CONNECTIONS_REFUSED, 1)
        message = "more than %d connections (--max-worker-connections, limit of open files): closed"
        self.complain(message, connections.most)
