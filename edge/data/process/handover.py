"""Listening sockets that come and go while the proxy runs: the arbiter opens them, and hands them to the workers.

Rules of this file:
- The table says what to listen on (`edge.table.records.Listeners`), beside the sockets of `--http` and `--https`.
- Only the arbiter holds a socket for good: a worker gets a copy over a Unix socket of its own (unix(7), SCM_RIGHTS). So
  connections that wait to be accepted survive the death of a worker.
- Where one of our own sockets takes a port at all addresses, nothing is opened: that socket's connections to the
  address are served as if they had come by one of its own.
- What cannot be opened is reported once and tried again.
"""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from edge.system import addresses
from edge.table.reader import TableReader, UnreadableError
from edge.table.records import LISTENERS, Listeners, Listening, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Place = tuple[str, int]
"""Address and port."""
LARGEST: Final = 4096
"""Bytes of a message, at most."""
log = logging.getLogger(__name__)


class Message(msgspec.Struct, frozen=True):
    """To a worker: what has become of a place. A socket that belongs to it comes along."""

    address: str
    port: int
    scope: str = ""
    """Empty: nothing more is to be accepted there."""
    tls: bool = False


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Message).decode


class Link:
    """The arbiter's way to one worker."""

    def __init__(self) -> None:
        self.near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.far: socket.socket | None = far
        """The worker's end, until it is forked."""
        self.near.setblocking(False)
        self._sent: dict[Place, Listening] = {}

    def update(self, wanted: dict[Place, Listening], sockets: dict[Place, socket.socket | None]) -> bool:
        """Tell the worker what it does not know yet; False: it is gone."""
        try:
            for place in self._sent.keys() - wanted.keys():
                self._send(Message(*place), None)
                del self._sent[place]
            for place, listening in wanted.items():
                if self._sent.get(place) != listening and place in sockets:
                    self._send(Message(*place, listening.scope, listening.tls), sockets[place])
                    self._sent[place] = listening
        except BlockingIOError:
            return True  # the rest follows with the next look
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give both ends up."""
        self.near.close()
        if self.far is not None:
            self.far.close()

    def _send(self, message: Message, sock: socket.socket | None) -> None:
        socket.send_fds(self.near, [encode(message)], [sock.fileno()] if sock is not None else [])


class Handover:
    """The arbiter's half: what is open, and which worker knows of it."""

    def __init__(self, directory: Path) -> None:
        """DIRECTORY has the table."""
        self._table = TableReader(directory)
        self._own: frozenset[Place] = frozenset()
        self._wanted: dict[Place, Listening] = {}
        self._sockets: dict[Place, socket.socket | None] = {}
        """None: connections come by one of our own sockets."""
        self._links: dict[int, Link] = {}
        self._faults: dict[Place, str] = {}

    @property
    def used(self) -> bool:
        """Whether there is anything to listen on."""
        return bool(self._wanted)

    def start(self, own: Iterable[Place], inherited: str) -> None:
        """OWN: where the proxy listens anyway; INHERITED: what an arbiter before us has written by `inherit`."""
        self._own = frozenset(own)
        for entry in filter(None, inherited.split(",")):
            text, _, number = entry.rpartition("=")
            place = addresses.parse(text)
            sock = socket.socket(fileno=int(number))
            sock.set_inheritable(False)
            self._sockets[place.host, place.port] = sock

    def inherit(self) -> str:
        """Have the open sockets outlive exec(2); their addresses and descriptors, as `start` takes them."""
        parts = []
        for place, sock in self._sockets.items():
            if sock is not None:
                sock.set_inheritable(True)
                parts.append(f"{addresses.Address(*place)}={sock.fileno()}")
        return ",".join(parts)

    def connect(self, worker: int) -> socket.socket:
        """The end for a WORKER (its age) that is about to be forked."""
        link = self._links[worker] = Link()
        assert link.far is not None  # noqa: S101 - it has just been made
        return link.far

    def forked(self) -> None:
        """In the arbiter: the worker has its end."""
        for link in self._links.values():
            if link.far is not None:
                link.far.close()
                link.far = None

    def leave_to(self, worker: int) -> None:
        """In the WORKER: close what fork(2) has copied for nothing."""
        link = self._links.pop(worker)
        link.near.close()
        self.close()

    def close(self) -> None:
        """Close everything."""
        for sock in self._sockets.values():
            if sock is not None:
                sock.close()
        for link in self._links.values():
            link.close()
        self._sockets.clear()
        self._links.clear()

    def follow(self, workers: Iterable[int]) -> None:
        """Open and close what the table says, and tell WORKERS (their ages) of it."""
        with suppress(UnreadableError):  # the last sockets stay
            self._table.reopen()
            found = self._table.routes.get(LISTENERS, Listeners)
            if found is not None:
                self._wanted = {(one.address, one.port): one for one in found.sockets if one.wire is Wire.HTTP}
            elif self._table.generation > 0:
                self._wanted = {}
        for place in self._sockets.keys() - self._wanted.keys():
            sock = self._sockets.pop(place)
            if sock is not None:
                sock.close()
            log.info("no longer listening on %s", addresses.Address(*place))
        for place, listening in self._wanted.items():
            if place not in self._sockets:
                self._open(place, listening)
        for age in self._links.keys() - set(workers):
            self._links.pop(age).close()
        for age, link in list(self._links.items()):
            if not link.update(self._wanted, self._sockets):
                self._links.pop(age).close()

    def _open(self, place: Place, listening: Listening) -> None:
        address = addresses.Address(*place)
        if ("::" if ":" in place[0] else "0.0.0.0", place[1]) in self._own:
            self._sockets[place] = None
        else:
            try:
                self._sockets[place] = addresses.listen(address)
            except addresses.ListenError as error:
                if self._faults.get(place) != str(error):
                    self._faults[place] = str(error)
                    log.error("%s: %s", listening.scope, error)  # noqa: TRY400 - the message says it all
                return
        self._faults.pop(place, None)
        log.info("listening on %s://%s for %s", "https" if listening.tls else "http", address, listening.scope)
