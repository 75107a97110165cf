"""Listening sockets that change while the proxy runs: the arbiter opens them, and passes them to the workers.

Rules of this file:
- The table says what to listen on (`edge.table.records.Listeners`), beside the sockets of `--http` and `--https`.
- Only the arbiter keeps a socket open: a worker gets a copy over a Unix socket of its own (unix(7), SCM_RIGHTS). So
  waiting connections and datagrams survive the end of a worker.
- Connections wait in one socket, from which all workers accept. Datagrams wait in several (`opened_sockets`), each of
  which belongs to one worker; a worker that ends leaves its own to others.
- If one of our own sockets has the port at all addresses, no socket is opened: its connections to the address are
  served as if the address had its own.
- A socket that cannot be opened is reported once, in the log and to the control plane, and retried. Open sockets are
  reported to the control plane, too.
"""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from edge.data.process.opened_sockets import OpenedSockets, Place, place_of
from edge.table import bindings
from edge.table.reader import TableReader, UnreadableError
from edge.table.records import LISTENERS, Listeners, Listening, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edge.system.addresses import Address

    Handed = dict[tuple[Place, int], tuple[Listening, socket.socket | None]]
    """By place and number of the socket there; None: one of our own sockets accepts the connections."""

LARGEST: Final = 4096
"""Bytes of a message, at most."""
SCHEMES: Final = {Wire.HTTP: "http", Wire.TCP: "tcp", Wire.UDP: "udp"}
log = logging.getLogger(__name__)


class Message(msgspec.Struct, frozen=True):
    """To a worker: the new state of a place, sent with its socket if it has one."""

    address: str
    port: int
    wire: Wire = Wire.HTTP
    number: int = 0
    """Of the socket, where the place has several."""
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
        self._sent: dict[tuple[Place, int], Listening] = {}

    def update(self, handed: Handed) -> bool:
        """Send the worker the changes that it has not got yet; False: it is gone."""
        try:
            for at in self._sent.keys() - handed.keys():
                before = self._sent[at]
                self._send(Message(before.address, before.port, before.wire, at[1]), None)
                del self._sent[at]
            for at, (listening, sock) in handed.items():
                if self._sent.get(at) != listening:
                    place = listening.address, listening.port, listening.wire, at[1]
                    self._send(Message(*place, listening.scope, listening.tls), sock)
                    self._sent[at] = listening
        except BlockingIOError:
            return True  # the rest follows with the next call
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close both ends."""
        self.near.close()
        if self.far is not None:
            self.far.close()

    def _send(self, message: Message, sock: socket.socket | None) -> None:
        socket.send_fds(self.near, [encode(message)], [sock.fileno()] if sock is not None else [])


class Handover:
    """The arbiter's half: what is open, and which worker knows of it."""

    def __init__(self, directory: Path) -> None:
        """DIRECTORY has the table."""
        self._directory = directory
        self._table = TableReader(directory)
        self._wanted: dict[Place, Listening] = {}
        self._opened = OpenedSockets()
        self._links: dict[int, Link] = {}
        self._faults: dict[Place, str] = {}
        self._written: tuple[list[bindings.Unbound], list[Listening]] = ([], [])

    @property
    def used(self) -> bool:
        """Whether there is anything to listen on."""
        return bool(self._wanted)

    def start(self, own: Iterable[Address], inherited: str) -> None:
        """OWN: the sockets of flags; INHERITED: the result of `inherit` of an earlier arbiter."""
        self._opened.start(own, inherited)
        bindings.write(self._directory, ())

    def inherit(self) -> str:
        """Keep the open sockets over exec(2); returns their places and descriptors, for `start`."""
        return self._opened.inherit()

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
        """In the WORKER: close the descriptors that only the arbiter needs."""
        link = self._links.pop(worker)
        link.near.close()
        self.close()

    def close(self) -> None:
        """Close everything."""
        self._opened.close()
        for link in self._links.values():
            link.close()
        self._links.clear()

    def follow(self, workers: Iterable[int], staying: Iterable[int] = ()) -> None:
        """Open and close sockets according to the table, and send them to WORKERS (their ages); those that are STAYING
        get datagrams."""
        staying = list(staying)
        with suppress(UnreadableError):  # the last sockets stay
            self._table.reopen()
            found = self._table.routes.get(LISTENERS, Listeners)
            if found is not None:
                self._wanted = {place_of(one): one for one in found.sockets}
            elif self._table.generation > 0:
                self._wanted = {}
        self._opened.close_all_but(self._wanted.keys())
        self._open_missing(len(staying))
        self._opened.assign(staying)
        for age in self._links.keys() - set(workers):
            self._links.pop(age).close()
        for age, link in list(self._links.items()):
            if not link.update(self._handed(age)):
                self._links.pop(age).close()

    def _handed(self, worker: int) -> Handed:
        """The sockets that WORKER is to have."""
        return {
            (place, number): (self._wanted[place], sock)
            for place in self._wanted
            for number, sock in self._opened.of(place, worker)
        }

    def _open_missing(self, workers: int) -> None:
        faults: dict[Place, str] = {}
        for place, listening in self._wanted.items():
            if place in self._opened:
                continue
            fault = self._opened.open(place, workers, beside=self._wanted.keys())
            if not fault:
                scheme = "https" if listening.tls else SCHEMES[listening.wire]
                log.info("listening on %s://%s for %s", scheme, place.address, listening.scope)
                continue
            faults[place] = fault
            if self._faults.get(place) != fault:
                log.error("%s: %s; it is tried again", listening.scope, fault)
        self._faults = faults
        unbound = [bindings.Unbound(one, faults[place]) for place, one in self._wanted.items() if place in faults]
        state = unbound, [one for place, one in self._wanted.items() if place in self._opened]
        if state != self._written:
            self._written = state
            bindings.write(self._directory, *state)
