"""What an exchange needs of the client's side, whatever HTTP version the client speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.http.h1._body import Body
    from edge.data.http.h1._head import Head
    from edge.data.http.replies import Reply
    from edge.data.net._buffer import Buffer
    from edge.data.net._stream import Stream


class Client:
    """The other end of an exchange; each HTTP version is a kind of it.

    - `request`, `body`, `stream`: the head, and where the content comes from and the answer goes to.
    - `secure`, `address`: whether it came by TLS, and from where.
    - `forwarded_host`, `upstream_host`: Host as the client addressed it, and for the endpoint.
    - `added`: field lines that tell an endpoint about the client.
    - `upgraded`: both sides speak another protocol now.
    """

    request: Head
    body: Body
    stream: Stream
    secure: bool
    address: str
    forwarded_host: bytes
    upstream_host: bytes
    added: bytes
    upgraded: bool

    def expect_body(self) -> None:
        """The body is wanted now (RFC 9110, section 10.1.1)."""
        raise NotImplementedError

    def reply(self, reply: Reply, hsts: bytes) -> None:
        """Send a complete answer."""
        raise NotImplementedError

    def interim(self, response: Head) -> None:
        """Pass on a 1xx response."""
        raise NotImplementedError

    def begin(self, response: Head, length: int, hsts: bytes) -> None:
        """Begin the final response; LENGTH of its body, -1 where it is not known, -2 where there is none."""
        raise NotImplementedError

    def send(self, source: Buffer, count: int, last: bool) -> None:
        """Send the first COUNT bytes of SOURCE as a piece of the body; LAST: it is the end, without trailers."""
        raise NotImplementedError

    def flush(self) -> None:
        """Send what has been begun."""
        raise NotImplementedError

    def finish(self, trailers: bytes) -> None:
        """End the response."""
        raise NotImplementedError

    def write_trailers(self, stream: Stream) -> None:
        """Put the request's trailers, and the end of a chunked body, into STREAM's output buffer."""
        raise NotImplementedError

    def abort(self, reachable: bool) -> None:
        """End the response so that the client sees that it is not complete; REACHABLE: it takes what it is sent."""
        raise NotImplementedError
