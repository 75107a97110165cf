"""Messages fed to the compiled parsers in whatever pieces a test likes, and what came of it."""

from __future__ import annotations

import random
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.data.http._fields import Limits
from edge.data.http._message import Outgoing
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.net._buffer import Buffer
from edge.data.net._stream import Stream
from edge.data.net.errors import MessageError
from edge.settings import LARGEST_HEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REQUEST_LIMITS = Limits()
RESPONSE_LIMITS = Limits(fields=1024, underscores=True)
HEAD_LIMITS = Limits(head=LARGEST_HEAD, fields=1024, underscores=True)
"""Of a worker's connections to endpoints."""


class Pieces(Buffer):
    """A buffer into which the given pieces arrive, one for each time that more is wanted, and then the end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]
        self.pieces.reverse()

    def fill(self, wait: bool = False) -> int:
        if wait:
            assert not len(self), "said to have nothing, and had something"
        if not self.pieces:
            return 0
        piece = self.pieces.pop()[:60000]
        self.feed(piece)
        return len(piece)

    @property
    def rest(self) -> bytes:
        """What has not been consumed."""
        return self.peek() + b"".join(reversed(self.pieces))


def whole(data: bytes) -> list[bytes]:
    """DATA as it arrives on a good day."""
    return [data[at : at + 60000] for at in range(0, len(data), 60000)]


def single(data: bytes) -> list[bytes]:
    """DATA byte by byte."""
    return [data[at : at + 1] for at in range(len(data))]


def torn(data: bytes, seed: int) -> list[bytes]:
    """DATA torn at random places."""
    chance = random.Random(seed)
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 12)))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@dataclass(frozen=True)
class Message:
    """What was understood of a request or of a response."""

    start: tuple[object, ...]
    """(method, target, host, version), or (status, reason, version)."""
    fields: tuple[tuple[bytes, bytes], ...]
    framing: tuple[int, bool]
    """(length, chunked)."""
    connection: tuple[bool, bool, bool]
    """(keep_alive, expect_continue, upgrade)."""
    body: bytes
    trailers: bytes
    rest: bytes
    """What stands behind the message."""


def read_body(body: Body) -> bytes:
    """All content of BODY."""
    pieces = []
    while count := body.fill():
        pieces.append(body.buffer.take(count))
    assert body.done
    assert body.finish()
    return b"".join(pieces)


def read_request(pieces: Iterable[bytes], limits: Limits = REQUEST_LIMITS, head: Head | None = None) -> Message | None:
    """The request at the beginning of PIECES; None where there is nothing."""
    head = head or Head()
    source = Pieces(pieces)
    if not head.read_request(source, limits):
        return None
    body = Body(source)
    body.start(head.length, head.chunked, False)
    return _understood((head.method, head.target, head.host, head.version), head, body, source)


def read_response(
    pieces: Iterable[bytes], limits: Limits = RESPONSE_LIMITS, *, bodiless: bool = False, head: Head | None = None
) -> Message:
    """The response at the beginning of PIECES, which answers HEAD where it is BODILESS."""
    head = head or Head()
    source = Pieces(pieces)
    head.read_response(source, limits)
    body = Body(source, False)
    if bodiless or head.status < 200 or head.status in (204, 304):
        body.start(-1, False, False)
    else:
        body.start(head.length, head.chunked, True)
    return _understood((head.status, head.reason, head.version), head, body, source)


def _understood(start: tuple[object, ...], head: Head, body: Body, source: Pieces) -> Message:
    """The message that begins with START, its BODY read from SOURCE to the end."""
    content = read_body(body)
    return Message(
        start,
        tuple(head.items()),
        (head.length, head.chunked),
        (head.keep_alive, head.expect_continue, head.upgrade),
        content,
        body.trailers,
        source.rest,
    )


def outcome_of_request(pieces: Iterable[bytes], limits: Limits = REQUEST_LIMITS) -> Message | int | None:
    """The request, or the status with which it is refused, or None where there is nothing."""
    try:
        return read_request(pieces, limits)
    except MessageError as error:
        return error.status


def outcome_of_response(pieces: Iterable[bytes], limits: Limits = RESPONSE_LIMITS) -> Message | int:
    """The response, or the status with which it is refused."""
    try:
        return read_response(pieces, limits)
    except MessageError as error:
        return error.status


@contextmanager
def stream_pair() -> Iterator[tuple[Stream, socket.socket]]:
    """A stream, and the blocking socket at its other end."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.settimeout(10)
    stream = Stream(near)
    try:
        yield stream, far
    finally:
        stream.close()
        far.close()


def written(stream: Stream, far: socket.socket) -> bytes:
    """What STREAM's output buffer holds, by way of the socket; it must fit into the kernel's buffer."""
    count = stream.pending
    stream.flush()
    data = b""
    while len(data) < count:
        data += far.recv(count - len(data))
    return data


def outgoing(head: Head, added: bytes = b"", request_id: bytes = b"") -> Outgoing:
    """The request in HEAD as it goes to an endpoint, without changes by policies."""
    made = Outgoing(head)
    made.method, made.target, made.host = head.method, head.target, head.host
    made.forwarded_host, made.added, made.request_id = head.host, added, request_id
    made.length = head.content_length
    return made
