"""Servers and clients of no protocol: TCP connections and datagrams, each end in the hands of the test."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 40.0
"""Seconds that nothing takes unless it is broken."""


class _Serving:
    """SOCK in the hands of a thread; a context manager."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.host, self.port = sock.getsockname()[:2]

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    @property
    def address(self) -> tuple[str, int]:
        """Its address and port."""
        return self.host, self.port

    def _serve(self) -> None:
        raise NotImplementedError


class Server(_Serving):
    """A listening socket, each of whose connections is given to HANDLE in a thread; a context manager."""

    def __init__(self, handle: Callable[[socket.socket], None], host: str = "127.0.0.1") -> None:
        super().__init__(socket.create_server((host, 0), backlog=512))
        self._handle = handle
        self.connections = 0

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._sock.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(PATIENCE)
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._handle(connection)


def echo(connection: socket.socket) -> None:
    """Send everything back until the end."""
    while data := connection.recv(65536):
        connection.sendall(data)


def named(name: str) -> Callable[[socket.socket], None]:
    """What sends NAME first, and then everything back."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(name.encode())
        echo(connection)

    return handle


def connect(port: int, address: str = "127.0.0.1") -> socket.socket:
    """A connection to PORT, as soon as somebody listens there."""

    def try_it() -> socket.socket | None:
        try:
            return socket.create_connection((address, port), PATIENCE)
        except ConnectionRefusedError:
            return None

    found: socket.socket = eventually(try_it)
    return found


def read_all(sock: socket.socket) -> bytes:
    """Everything until the end."""
    parts = []
    while data := sock.recv(1 << 20):
        parts.append(data)
    return b"".join(parts)


def exactly(sock: socket.socket, size: int) -> bytes:
    """SIZE bytes."""
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, f"the connection ended after {len(data)} bytes"
        data += more
    return data


class DatagramServer(_Serving):
    """A socket that answers each datagram with what ANSWER makes of it; a context manager."""

    def __init__(self, answer: Callable[[bytes], list[bytes]], host: str = "127.0.0.1") -> None:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((host, 0))
        super().__init__(sock)
        self._answer = answer
        self.peers: set[tuple[str, int]] = set()

    def _serve(self) -> None:
        while True:
            try:
                data, peer = self._sock.recvfrom(65536)
            except OSError:
                return
            if not peer or peer[1] == 0:
                return
            self.peers.add(peer[:2])
            for answer in self._answer(data):
                self._sock.sendto(answer, peer)


def datagram_client(port: int, address: str = "127.0.0.1") -> socket.socket:
    """A socket whose datagrams go to PORT."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(PATIENCE)
    sock.connect((address, port))
    return sock


def asked(sock: socket.socket, data: bytes) -> bytes:
    """The answer to DATA, which is sent again for as long as none comes: datagrams may be lost."""
    sock.settimeout(0.5)

    def ask() -> tuple[bytes] | None:
        try:
            sock.send(data)
            return (sock.recv(65536),)
        except (TimeoutError, ConnectionRefusedError):
            return None

    found: tuple[bytes] = eventually(ask)
    return found[0]
