"""A syslog server for the access log: a datagram a line (RFC 5424, RFC 5426).

Rules of this file:
- Sending never blocks: datagrams are sent only while the kernel accepts them, and names are looked up in the
  background. Lines that cannot be sent are dropped and counted.
- A name is looked up again after a while, and a socket is connected again after an error, because a server may move.
"""

from __future__ import annotations

import logging
import os
import socket
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Final

import gevent
from gevent import socket as waiting

from edge.data.observe.outlets import AGAIN, Outlet

if TYPE_CHECKING:
    from edge.data.observe._lines import Lines

log = logging.getLogger("edge.data")

UNIX: Final = "unix:"
LOCAL7: Final = 23
INFORMATIONAL: Final = 6
PRIORITY: Final = LOCAL7 * 8 + INFORMATIONAL
"""As nginx has it by default (nginx docs, "Logging to syslog")."""
MOST: Final = 65_000
"""Bytes of a datagram; longer lines are truncated."""
LOOK_UP: Final = 60.0
"""Seconds for which the address of a name is kept."""


class Syslog(Outlet):
    """The server at ADDRESS: `HOST:PORT`, or `unix:` and a path."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._connecting: gevent.Greenlet | None = None
        self._due = 0.0
        """When to connect again."""
        self._silent_until = 0.0
        self._hostname = socket.gethostname()
        self._connect_now_and_then()

    def write(self, lines: Lines) -> None:
        """As `Outlet`."""
        self._connect_now_and_then()
        if not len(lines):
            return
        sock = self._socket
        if sock is None:
            return  # it is being looked up, or is down: lines wait, up to their limit
        head = self._head()
        text = lines.take()
        for line in text.splitlines():
            try:
                sock.send((head + line)[:MOST])
            except BlockingIOError:
                lines.dropped += 1
            except OSError as error:
                lines.dropped += 1
                self._failed(str(error.strerror))

    def reopen(self) -> None:
        """As `Outlet`."""
        self._due = 0.0

    def close(self) -> None:
        """As `Outlet`."""
        if self._connecting is not None:
            self._connecting.kill(block=False)
        if self._socket is not None:
            self._socket.close()

    def _head(self) -> bytes:
        """What stands before the line (RFC 5424, section 6.2): without structured data."""
        present = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"<{PRIORITY}>1 {present} {self._hostname} edge {os.getpid()} access - ".encode()

    # --- the socket -----------------------------------------------------------------------------------------------

    def _connect_now_and_then(self) -> None:
        if monotonic() >= self._due and self._connecting is None:
            self._due = monotonic() + LOOK_UP
            self._connecting = gevent.spawn(self._connect)

    def _connect(self) -> None:
        try:
            family, address = self._look_up()
            made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            try:
                made.connect(address)
            except OSError:
                made.close()
                raise
            before, self._socket = self._socket, made
            if before is not None:
                before.close()
        except (OSError, ValueError) as error:
            self._failed(str(error))
        finally:
            self._connecting = None

    def _look_up(self) -> tuple[int, tuple[str, int] | str]:
        """Family and address of the server's socket."""
        if self._address.startswith(UNIX):
            return socket.AF_UNIX, self._address[len(UNIX) :]
        host, _, port = self._address.rpartition(":")
        found = waiting.getaddrinfo(host.strip("[]"), int(port), 0, socket.SOCK_DGRAM)
        return found[0][0], found[0][4]

    def _failed(self, reason: str) -> None:
        self._due = min(self._due, monotonic() + AGAIN)
        if monotonic() >= self._silent_until:
            self._silent_until = monotonic() + LOOK_UP
            log.error("lines of the access log cannot be sent to syslog %s: %s", self._address, reason)
