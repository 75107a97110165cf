"""A client of HTTP/1 that sends given bytes and reads strictly."""

from __future__ import annotations

import json
import select
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

Fields = list[tuple[str, str]]


class BrokenError(AssertionError):
    """The server ended or garbled a message."""


@dataclass
class Response:
    """A complete response."""

    version: str
    status: int
    reason: str
    fields: Fields = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    interim: list[Response] = field(default_factory=list)
    """Responses of status 1xx that came before."""

    def get(self, name: str) -> str | None:
        """Value of the field NAME, several joined by commas."""
        values = self.all(name)
        return ", ".join(values) if values else None

    def all(self, name: str) -> list[str]:
        """Values of the fields NAME."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def swap(sock: socket.socket, data: bytes) -> bytes:
    """Send DATA and read as much, in turns: two threads may not use one TLS connection at once."""
    timeout = sock.gettimeout()
    sock.setblocking(False)
    sent, read = 0, b""
    while sent < len(data) or len(read) < len(data):
        with suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent += sock.send(data[sent : sent + 16384]) if sent < len(data) else 0
        with suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if len(read) < len(data):
                read += (piece := sock.recv(16384))
                assert piece, "ended too early"
                continue
        poll = select.poll()  # which knows descriptors of any number
        poll.register(sock, select.POLLIN | (select.POLLOUT if sent < len(data) else 0))
        poll.poll(10_000)
    sock.settimeout(timeout)
    return read


class Client:
    """One connection; as a context manager closes it.

    TLS: a client's context; SERVER_NAME: what to ask for by SNI. TIMEOUT is for each wait, in seconds.
    """

    def __init__(
        self, port: int, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, server_name: str | None = None,
        timeout: float = 40.0, source: str | None = None,
    ) -> None:  # fmt: skip
        self.socket: socket.socket = socket.create_connection((host, port), timeout, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            try:
                self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
            except BaseException:
                self.socket.close()
                raise
        self.buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def certificate(self) -> bytes | None:
        """What the server showed, DER."""
        assert isinstance(self.socket, ssl.SSLSocket)
        return self.socket.getpeercert(binary_form=True)

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(
        self,
        target: str = "/",
        *,
        method: str = "GET",
        host: str = "web.example",
        fields: Fields | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send a request and read its response."""
        self.send(head(target, method=method, host=host, fields=fields, body=body) + (body or b""))
        return self.response(method)

    def response(self, method: str = "GET") -> Response:
        """Read the response to a request by METHOD, with all 1xx before it."""
        interim = []
        while True:
            response = self.head()
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response)
        response.interim = interim
        self._read_body(response, method)
        return response

    def head(self) -> Response:
        """Read a response's head alone."""
        start = self._line()
        version, _, rest = start.partition(b" ")
        status, _, reason = rest.partition(b" ")
        if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(status) != 3 or not status.isdigit():
            raise BrokenError(f"not a status line: {start!r}")
        return Response(version.decode(), int(status), reason.decode(), self._fields())

    def read(self, count: int) -> bytes:
        """Exactly COUNT bytes."""
        pieces, left = [], count
        while True:
            piece, self.buffer = self.buffer[:left], self.buffer[left:]
            pieces.append(piece)
            left -= len(piece)
            if not left:
                return b"".join(pieces)
            self._more()

    def chunk(self) -> bytes:
        """The content of the next chunk."""
        piece = self.read(int(self._line(), 16))
        self._line()
        return piece

    def read_to_end(self) -> bytes:
        """Everything until the server closes; a reset counts as the end."""
        try:
            while chunk := self.socket.recv(65536):
                self.buffer += chunk
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            pass
        data, self.buffer = self.buffer, b""
        return data

    def is_closed(self) -> bool:
        """Wait for the server's close; false when bytes come instead.

        Raises:
            TimeoutError: nothing happens.
        """
        if self.buffer:
            return False
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            return True
        self.buffer += data
        return not data

    # --- inside ---

    def _read_body(self, response: Response, method: str) -> None:
        if method == "HEAD" or response.status in (101, 204, 304) or (method == "CONNECT" and response.status < 300):
            return
        coding = response.get("transfer-encoding")
        length = response.get("content-length")
        if coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise BrokenError(f"framing: transfer-encoding {coding}, content-length {length}")
            self._read_chunks(response)
        elif length is not None:
            response.body = self.read(int(length))
        else:
            response.body = self.read_to_end()

    def _read_chunks(self, response: Response) -> None:
        pieces = []
        while size := int(self._line().partition(b";")[0], 16):
            pieces.append(self.read(size))
            if self.read(2) != b"\r\n":
                raise BrokenError("no CRLF after a chunk")
        response.body = b"".join(pieces)
        response.trailers = self._fields()

    def _fields(self) -> Fields:
        fields = []
        while line := self._line():
            name, colon, value = line.partition(b":")
            if not colon or name.strip() != name or not name:
                raise BrokenError(f"not a field line: {line!r}")
            fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        return fields

    def _line(self) -> bytes:
        while (end := self.buffer.find(b"\r\n")) < 0:
            self._more()
        line, self.buffer = self.buffer[:end], self.buffer[end + 2 :]
        return line

    def _more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError) as error:
            raise BrokenError(f"the server broke the connection: {error}; had {self.buffer[:200]!r}") from error
        if not data:
            raise BrokenError(f"the server closed in the middle of a message; had {self.buffer[:200]!r}")
        self.buffer += data


def head(
    target: str = "/",
    *,
    method: str = "GET",
    host: str = "web.example",
    fields: Fields | None = None,
    body: bytes | None = None,
) -> bytes:
    """A request head; Content-Length goes with a BODY unless FIELDS frame it themselves."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in fields or ()]
    framed = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in fields or ())
    if body is not None and not framed:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def get(
    port: int,
    target: str = "/",
    *,
    close: bool = True,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
    address: str = "127.0.0.1",
    **rest: Any,
) -> Response:
    """One request on a connection of its own; REST as for `Client.request`."""
    with Client(port, host=address, tls=tls, server_name=server_name or rest.get("host", "web.example")) as client:
        fields = list(rest.pop("fields", None) or ())
        return client.request(target, fields=[*fields, ("Connection", "close")] if close else fields, **rest)
