"""The client's half of an exchange, whatever HTTP version the client speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.net._scheduler import Resumable

if TYPE_CHECKING:
    from edge.data.exchange.upstream import Upstream
    from edge.data.http._content import Content
    from edge.data.http._fields import FieldLines
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.net._buffer import Buffer
    from edge.data.net._stream import Stream
    from edge.data.net.peers import Peer


Ends = tuple[tuple[str, int], tuple[str, int]]
"""Address and port of the peer of a connection, and of this side; empty and 0: not known."""
NOWHERE: Ends = (("", 0), ("", 0))


class Client(Resumable):
    """The client of a request; each HTTP version is a subclass.

    - `request`, `content`: the message. `length`: bytes of content, or UNKNOWN_LENGTH, or NO_CONTENT;
      `has_content`: some follow the head.
    - `secure`, `address`, `port`: whether it came by TLS, from which address, and to which port of ours.
    - `peer`: what the TLS handshake has shown of the client; a proxy in front may have terminated its TLS.
    - `host`: the host of the request. `forwarding`: field lines that describe the client to an endpoint.
    - `upgraded`: the connection carries another protocol now.

    It is resumed when the endpoint has answered (`Handler.run`).
    """

    request: Message
    content: Content
    length: int
    has_content: bool
    secure: bool
    address: str
    port: int
    peer: Peer
    host: bytes
    forwarding: bytes
    upgraded: bool

    def ends(self) -> Ends:
        """The ends of the connection below."""
        wire = self.wire()
        try:
            return (wire.socket.getpeername()[:2], wire.socket.getsockname()[:2]) if wire is not None else NOWHERE
        except OSError:
            return NOWHERE

    def source(self) -> str:
        """The address of the peer of the connection; a trusted proxy may name another client (`address`)."""
        return self.address

    def wire(self) -> Stream | None:
        """The byte stream of the connection below; None: there is none."""
        return None

    def place(self) -> tuple[int, int]:
        """The number of the connection in the worker, and that of this request on it; 0: not known."""
        return 0, 0

    def arrived(self, most: int) -> bytes | None:  # noqa: ARG002 - only some versions can tell
        """The content, of MOST bytes at most, if all of it has arrived already; None: it must be read."""
        return None

    def expect_content(self) -> None:
        """The content is wanted now (RFC 9110, section 10.1.1)."""
        raise NotImplementedError

    def trailers(self) -> FieldLines | None:
        """The trailer section of the request, checked; None: there is none.

        Raises:
            MessageError: it is malformed.
        """
        raise NotImplementedError

    def watch(self, upstream: Upstream | None) -> None:
        """End the wait for UPSTREAM when this client ends; None: no longer."""
        raise NotImplementedError

    def watch_sending(self, upstream: Upstream) -> None:
        """As `watch`, while content is still sent to UPSTREAM; only for clients whose end differs from that of their
        content."""

    def reply(self, reply: Reply, fields: bytes) -> None:
        """Send a complete answer of Edge's own, with FIELDS as further field lines."""
        raise NotImplementedError

    def interim(self, response: Message) -> None:
        """Pass on a 1xx response."""
        raise NotImplementedError

    def begin(self, response: Message, length: int, fields: bytes) -> None:
        """Begin the final response with FIELDS as further field lines; LENGTH as `length`."""
        raise NotImplementedError

    def send(self, source: Buffer, count: int, last: bool) -> None:
        """Send the first COUNT bytes of SOURCE as a piece of the content; LAST: it is the end, without trailers."""
        raise NotImplementedError

    def flush(self) -> None:
        """Send everything that is buffered."""
        raise NotImplementedError

    def finish(self, trailers: FieldLines | None) -> None:
        """End the response."""
        raise NotImplementedError

    def abort(self, reachable: bool, code: int = 0) -> None:
        """End the response so that the client sees that it is incomplete; REACHABLE: the client still reads; CODE: the
        reason, of HTTP/2, 0: none."""
        raise NotImplementedError

    def received(self) -> int:
        """Bytes of this request so far, its head included."""
        raise NotImplementedError

    def sent(self) -> int:
        """Bytes of this exchange's response so far, its head included."""
        raise NotImplementedError

    def switched(self) -> Stream:
        """The byte stream that the connection has become after a switch of protocols."""
        raise NotImplementedError
