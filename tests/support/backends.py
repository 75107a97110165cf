"""Real HTTP/1.1 servers to stand behind Edge: one that reports what it received, and one that sends any bytes.

`Backend` answers by the first element of the path:

    /status/N       with that status
    /bytes/N        with N bytes and a Content-Length
    /stream/N/K     with N chunks of K bytes
    /until-close/N  with N bytes and the end of the connection as the end of the body
    /hold           when the test sets `release`
    /close          not at all: closes
    /reset          not at all: resets the connection
    /truncate/N     with a Content-Length of N and half as many bytes, then closes
    /upload         with the length and SHA-256 of the body, which is never held as a whole
    /websocket      (with an Upgrade) by sending every frame back
    anything else   with what it got, as JSON

Threads, one per connection, in the process of the test; `load.py` has a faster one in a process of its own.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tests.support.waiting import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.clients import Fields

_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class GoneError(Exception):
    """The peer closed."""


@dataclass
class Request:
    """What came in; the body only when it was read."""

    method: str
    target: str
    version: str
    fields: Fields
    connection: int
    """Number of the connection, from 1."""
    body: bytes = b""
    trailers: Fields = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """Value of the field NAME, several joined by commas."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return ", ".join(values) if values else None


class Peer:
    """A buffered socket."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.socket = sock
        self.number = number
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        while (end := self.buffer.find(b"\r\n")) < 0:
            self._more()
        line, self.buffer = self.buffer[:end], self.buffer[end + 2 :]
        return line

    def read(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def some(self, count: int) -> bytes:
        """At least 1 byte, at most COUNT."""
        if not self.buffer:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def fields(self) -> Fields:
        fields = []
        while line := self.line():
            name, _, value = line.partition(b":")
            fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        return fields

    def _more(self) -> None:
        data = self.socket.recv(262144)
        if not data:
            raise GoneError
        self.buffer += data


class Listener:
    """Accepts connections on threads until closed; every connection is then shut."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self._sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((host, port or free_port(host)))
        self._sock.listen(512)
        self.port: int = self._sock.getsockname()[1]
        self.connections = 0
        """Accepted so far."""
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._open)

    def close(self) -> None:
        """Listen no more, and break what is open."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        # It may be about to call accept(2): a descriptor that is closed before could be another listener's by then.
        self._accepting.join(40)
        self._sock.close()
        self.close_connections()

    def close_connections(self) -> None:
        """Break what is open."""
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def serve(self, peer: Peer) -> None:
        """Talk with PEER; its socket is closed afterwards."""
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(sock)
            threading.Thread(target=self._run, args=(sock, self.connections), daemon=True).start()

    def secured(self, sock: socket.socket) -> socket.socket:
        """SOCK, or what speaks TLS on it."""
        return sock

    def _run(self, sock: socket.socket, number: int) -> None:
        plain = sock
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = self.secured(plain)
            if sock is not plain:
                with self._lock:
                    self._open.add(sock)
                    self._open.discard(plain)
            self.serve(Peer(sock, number))
        except (GoneError, OSError):
            pass
        finally:
            with self._lock:
                self._open -= {plain, sock}
            sock.close()


class Script(Listener):
    """Hands each connection to a function: `Script(lambda peer: ...)`."""

    def __init__(self, play: Callable[[Peer], None], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._play = play
        super().__init__(host, port)

    def serve(self, peer: Peer) -> None:
        self._play(peer)


def answering(data: bytes, *, close: bool = False) -> Callable[[Peer], None]:
    """A play for `Script`: read each request's head (no body), answer DATA."""

    def play(peer: Peer) -> None:
        while True:
            peer.line()
            peer.fields()
            peer.send(data)
            if close:
                return

    return play


class Backend(Listener):
    """The server described above; NAME is told in JSON and in X-Backend."""

    def __init__(self, name: str = "backend", *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.name = name
        self.requests: list[Request] = []
        """Everything that came in."""
        self.release = threading.Event()
        """What /hold waits for."""
        self.held = 0
        """Requests that /hold has kept so far."""
        super().__init__(host, port)

    def close(self) -> None:
        self.release.set()
        super().close()

    def serve(self, peer: Peer) -> None:
        while True:
            request = read_head(peer)
            self.requests.append(request)
            if not self._answer(peer, request):
                return

    def _answer(self, peer: Peer, request: Request) -> bool:
        """Whether the connection goes on."""
        kind, *arguments = request.target.partition("?")[0].strip("/").split("/")
        if (request.get("expect") or "").lower() == "100-continue":
            peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if kind == "websocket" and request.get("upgrade"):
            _websocket(peer, request)
            return False
        if kind == "upload":
            self._upload(peer, request)
            return True
        request.body = b"".join(body_pieces(peer, request))
        special = getattr(self, "_do_" + kind.replace("-", "_"), None)
        if special is not None:
            return bool(special(peer, request, *arguments))
        self._json(peer, _told(request, self.name))
        return (request.get("connection") or "").lower() != "close"

    def _send(
        self, peer: Peer, body: bytes, *, status: int = 200, kind: str = "text/plain", head: bool = False
    ) -> None:
        fields = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nX-Backend: {self.name}\r\n\r\n"
        peer.send(f"HTTP/1.1 {status} Status\r\n{fields}".encode() + (b"" if head else body))

    def _json(self, peer: Peer, value: dict[str, Any]) -> None:
        self._send(peer, json.dumps(value).encode(), kind="application/json", head=value.get("method") == "HEAD")

    def _upload(self, peer: Peer, request: Request) -> None:
        digest, length = hashlib.sha256(), 0
        for piece in body_pieces(peer, request):
            digest.update(piece)
            length += len(piece)
        self._json(peer, {"length": length, "sha256": digest.hexdigest(), "trailers": request.trailers})

    def _do_status(self, peer: Peer, request: Request, status: str) -> bool:
        if status in ("204", "304"):
            peer.send(f"HTTP/1.1 {status} Status\r\n\r\n".encode())
        else:
            self._send(peer, status.encode(), status=int(status), head=request.method == "HEAD")
        return True

    def _do_bytes(self, peer: Peer, request: Request, count: str) -> bool:
        self._send(peer, pattern(int(count)), kind="application/octet-stream", head=request.method == "HEAD")
        return True

    def _do_stream(self, peer: Peer, _: Request, count: str, size: str) -> bool:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = f"{int(size):x}\r\n".encode() + pattern(int(size)) + b"\r\n"
        for _ in range(int(count)):
            peer.send(chunk)
        peer.send(b"0\r\n\r\n")
        return True

    def _do_until_close(self, peer: Peer, _: Request, count: str) -> bool:
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + pattern(int(count)))
        return False

    def _do_truncate(self, peer: Peer, _: Request, count: str) -> bool:
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {count}\r\n\r\n".encode() + pattern(int(count) // 2))
        return False

    def _do_hold(self, peer: Peer, request: Request) -> bool:
        self.held += 1
        self.release.wait(60)
        self._json(peer, _told(request, self.name))
        return True

    def _do_close(self, _peer: Peer, _request: Request) -> bool:
        return False

    def _do_reset(self, peer: Peer, _: Request) -> bool:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def read_head(peer: Peer) -> Request:
    """The head of the next request.

    Raises:
        GoneError: there is none.
    """
    method, target, version = peer.line().decode("latin-1").split(" ")
    return Request(method, target, version, peer.fields(), peer.number)


def body_pieces(peer: Peer, request: Request) -> Iterator[bytes]:
    """The body of REQUEST piece by piece; trailers are put into REQUEST at the end."""
    if "chunked" in (request.get("transfer-encoding") or "").lower():
        while left := int(peer.line().partition(b";")[0], 16):
            while left:
                piece = peer.some(left)
                left -= len(piece)
                yield piece
            peer.read(2)
        request.trailers = peer.fields()
        return
    left = int(request.get("content-length") or 0)
    while left:
        piece = peer.some(left)
        left -= len(piece)
        yield piece


@functools.lru_cache(8)
def pattern(count: int) -> bytes:
    """COUNT bytes in which a lost, doubled or moved piece shows."""
    return b"".join(b"%07d\n" % number for number in range(-(-count // 8)))[:count]


def _told(request: Request, name: str) -> dict[str, Any]:
    return {
        "backend": name,
        "connection": request.connection,
        "method": request.method,
        "target": request.target,
        "version": request.version,
        "headers": request.fields,
        "body": request.body.decode("latin-1"),
        "trailers": request.trailers,
    }


def _websocket(peer: Peer, request: Request) -> None:
    key = (request.get("sec-websocket-key") or "").encode()
    accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET_GUID).digest())
    peer.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )
    while True:
        first, second = peer.read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", peer.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", peer.read(8))
        mask = peer.read(4)
        payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(peer.read(length)))
        size = (
            bytes([length])
            if length < 126
            else b"\x7e" + struct.pack(">H", length)
            if length < 65536
            else b"\x7f" + struct.pack(">Q", length)
        )
        peer.send(bytes([first]) + size + payload)
        if first & 0x0F == 8:
            return
