"""Clients of HTTP/2 for `bench/yardstick.py`: a number of connections with STREAMS requests each at a time.

They speak as h2load does: windows that never fill, and a field table, so that all but the first request are short.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from hpack import Decoder, Encoder

from tests.support import frames

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

STREAMS = 16
WIDE = (1 << 30) - 1
MESSAGE = bytes((0, 0, 0, 0, 100)) + bytes(100)
"""Of a call of gRPC."""
CALL = (("content-type", "application/grpc"), ("te", "trailers"), ("content-length", str(len(MESSAGE))))
"""Its fields."""


class Connection:
    """One connection, by SOCK, that asks HOST; GRPC: calls with MESSAGE."""

    def __init__(self, sock: socket.socket, host: str, scheme: str, *, grpc: bool) -> None:
        self._socket = sock
        method = "POST" if grpc else "GET"
        self._head = [(":path", "/"), (":scheme", scheme), (":authority", host), (":method", method)]
        self._head += [("user-agent", "yardstick"), *(CALL if grpc else ())]
        self._content = MESSAGE if grpc else b""
        self._encoder, self._decoder = Encoder(), Decoder()
        self._next = 1
        self._left = b""
        window = frames.frame(frames.WINDOW_UPDATE, payload=frames.number(WIDE - 65535))
        sock.sendall(frames.PREFACE + frames.settings(s4=WIDE) + window)

    def ask(self) -> None:
        """Send STREAMS requests."""
        text = []
        flags = frames.END_HEADERS | (0 if self._content else frames.END_STREAM)
        for _ in range(STREAMS):
            text.append(frames.frame(frames.HEADERS, flags, self._next, self._encoder.encode(self._head)))
            if self._content:
                text.append(frames.data(self._next, self._content, end=True))
            self._next += 2
        self._socket.sendall(b"".join(text))

    def answer(self) -> bool:
        """Read the answers; whether all are 200."""
        ended, good = 0, 0
        while ended < STREAMS:
            while len(self._left) < 9 or len(self._left) < 9 + int.from_bytes(self._left[:3], "big"):
                more = self._socket.recv(1 << 18)
                if not more:
                    raise OSError("the proxy hung up")
                self._left += more
            end = 9 + int.from_bytes(self._left[:3], "big")
            (one,) = frames.frames(self._left[:end])
            self._left = self._left[end:]
            if one.kind == frames.HEADERS:
                good += (":status", "200") in self._decoder.decode(one.payload)
            if one.kind in (frames.RST_STREAM, frames.GOAWAY):
                return False
            if one.kind in (frames.HEADERS, frames.DATA):
                ended += one.flags & frames.END_STREAM
            elif one.kind == frames.SETTINGS and not one.flags & frames.ACK:
                self._socket.sendall(frames.frame(frames.SETTINGS, frames.ACK))
        return good == STREAMS

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


class Http2Clients:
    """As `Clients` of the yardstick; HOST is asked at ADDRESS, over TLS where there is a CONTEXT."""

    def __init__(
        self, address: tuple[str, int], host: str, connections: int, context: ssl.SSLContext | None, *, grpc: bool
    ) -> None:
        self._make: Callable[[], Connection] = lambda: self._connect(address, host, context, grpc=grpc)
        self._count = connections
        self._connections: list[Connection] = []

    def warm_up(self, turns: int, patience: float) -> None:
        """Wait until the proxy has read its routes, PATIENCE seconds at most, and have so many TURNS."""
        limit = time.monotonic() + patience
        while not self._ready():
            if time.monotonic() > limit:
                raise SystemExit("the proxy does not answer 200")
            time.sleep(0.1)
        self._connections = [self._make() for _ in range(self._count)]
        for _ in range(turns):
            self.turn()

    def turn(self) -> int:
        """Requests on each connection; how many there were."""
        for one in self._connections:
            one.ask()
        for one in self._connections:
            if not one.answer():
                raise SystemExit("the proxy did not answer 200")
        return STREAMS * len(self._connections)

    def close(self) -> None:
        """End all connections."""
        for one in self._connections:
            one.close()

    def _ready(self) -> bool:
        with suppress(OSError):
            one = self._make()
            try:
                one.ask()
                return one.answer()
            finally:
                one.close()
        return False

    @staticmethod
    def _connect(address: tuple[str, int], host: str, context: ssl.SSLContext | None, *, grpc: bool) -> Connection:
        sock = socket.create_connection(address, 240)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            context.set_alpn_protocols(["h2"])
            sock = context.wrap_socket(sock, server_hostname=host)
        return Connection(sock, host, "https" if context is not None else "http", grpc=grpc)
