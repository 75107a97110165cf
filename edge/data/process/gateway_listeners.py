"""A worker's half of the hand-over: listeners at the addresses of Gateways and of streams, with sockets of the arbiter.

Rules of this file:
- When the socket of an address is replaced, the new one accepts before the old one is closed.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Protocol

import gevent
from gevent.socket import wait_read

from edge.data.accepting.listener import Listener
from edge.data.process import handover
from edge.table.records import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.accepting.listener import Places
    from edge.data.process.handover import Message

log = logging.getLogger(__name__)


class Accepting(Protocol):
    """A listener for connections or datagrams."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Accept what waits, then stop."""


class GatewayListeners:
    """The listeners that come through LINK; MAKE makes one of a socket and a message.

    - `places`: those without a socket of their own, for listeners at all addresses.
    """

    def __init__(self, link: socket.socket, make: Callable[[socket.socket, Message], Accepting]) -> None:
        self.places: Places = {}
        self._link = link
        self._make = make
        self._open: dict[tuple[str, int, int, int], Accepting] = {}
        """By address, port, wire and number."""
        self._greenlet: gevent.Greenlet | None = None
        link.setblocking(False)

    def start(self) -> None:
        """Follow the messages of the arbiter."""
        self._greenlet = gevent.spawn(self._follow)

    def stop(self) -> None:
        """Accept what waits, then stop."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._link.close()
        for listener in self._open.values():
            listener.stop()
        self._open.clear()
        self.places.clear()

    def _follow(self) -> None:
        while True:
            wait_read(self._link.fileno())
            try:
                data, descriptors, _, _ = socket.recv_fds(self._link, handover.LARGEST, 1)
            except BlockingIOError:
                continue
            if not data:
                return  # the arbiter is gone, so this worker ends soon
            try:
                self._take(handover.decode(data), descriptors)
            except Exception:  # one listener that fails must not keep the later ones away
                log.exception("a listener of a Gateway")

    def _take(self, message: Message, descriptors: list[int]) -> None:
        place = message.address, message.port
        at = (*place, int(message.wire), message.number)
        old = self._open.pop(at, None)
        if message.wire is not Wire.UDP:
            self.places.pop(place, None)
        try:
            if message.scope and descriptors:
                listener = self._open[at] = self._make(socket.socket(fileno=descriptors[0]), message)
                listener.start()
            elif message.scope and message.wire is not Wire.UDP:
                standing = self._make(socket.socket(), message)
                if isinstance(standing, Listener):
                    self.places[place] = standing
        finally:
            if old is not None:
                old.stop()
