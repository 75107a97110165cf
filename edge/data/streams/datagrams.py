"""Sockets for datagrams: when they take some, and for how long their sessions last.

Rules of this file:
- A session stays with its endpoint for as long as that is the Service's. When the endpoint is gone from the table, the
  client's next datagram begins another session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.streams._datagram_sessions import Port
from edge.table.streams import stream_key

if TYPE_CHECKING:
    import socket

    from edge.data.streams._datagram_sessions import Datagrams

LAST_ANSWERS = 2.0
"""Seconds for which sessions of a socket that is to be closed still wait."""


class DatagramListener:
    """One socket for datagrams of the stream of a scope; SOCK is owned."""

    def __init__(self, sock: socket.socket, datagrams: Datagrams, scope: str) -> None:
        self._sock = sock
        self._datagrams = datagrams
        self._stopped = False
        self.port = Port(sock.fileno(), datagrams, stream_key(scope))

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
            over = self._stopped and not (session.waiting and session.silence < LAST_ANSWERS)
            if over or session.silence >= session.timeout or session.homeless:
                session.end()
        if self._stopped and not len(self.port):
            self._datagrams.listeners.discard(self)
            self._sock.close()
