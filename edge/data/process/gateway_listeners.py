"""A worker's half of the hand-over: listeners at the addresses of Gateways, as the arbiter says.

Rules of this file:
- A place whose socket is replaced is never without one: the new one accepts before the old one is closed.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import gevent
from gevent.socket import wait_read

from edge.data.process import handover

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.accepting.listener import Listener, Places
    from edge.data.process.handover import Message, Place


class GatewayListeners:
    """The listeners that come through LINK; MAKE makes one of a socket and a message.

    - `places`: those without a socket of their own, for listeners at all addresses.
    """

    def __init__(self, link: socket.socket, make: Callable[[socket.socket, Message], Listener]) -> None:
        self.places: Places = {}
        self._link = link
        self._make = make
        self._open: dict[Place, Listener] = {}
        self._greenlet: gevent.Greenlet | None = None
        link.setblocking(False)

    def start(self) -> None:
        """Follow what the arbiter says."""
        self._greenlet = gevent.spawn(self._follow)

    def stop(self) -> None:
        """Accept what waits, then no more."""
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
                return  # the arbiter is gone, and so are we soon
            self._take(handover.decode(data), descriptors)

    def _take(self, message: Message, descriptors: list[int]) -> None:
        place = message.address, message.port
        old = self._open.pop(place, None)
        self.places.pop(place, None)
        if message.scope and descriptors:
            listener = self._open[place] = self._make(socket.socket(fileno=descriptors[0]), message)
            listener.start()
        elif message.scope:
            self.places[place] = self._make(socket.socket(), message)
        if old is not None:
            old.stop()
