"""A stream of HTTP/2 that carries another protocol, as a tunnel sees it (RFC 8441).

It has the methods that `edge.data.net.tunnel` needs of a byte stream.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Protocol

from edge.data.net._buffer import Buffer
from edge.data.net.errors import StreamClosed

if TYPE_CHECKING:
    from edge.data.http._fields import FieldLines
    from edge.data.http.h2._content import Inbox
    from edge.data.net.errors import StreamError


class Half(Protocol):
    """A stream, as far as its tunnel needs it."""

    write_timeout: float

    @property
    def inbox(self) -> Inbox:
        """The incoming content."""

    def send(self, source: Buffer, count: int, last: bool) -> None:
        """Send the first COUNT bytes of SOURCE."""

    def finish(self, trailers: FieldLines | None) -> None:
        """Close the sending half."""

    def abort(self, reachable: bool) -> None:
        """Reset the stream."""

    def lose(self, error: StreamError) -> None:
        """End every wait for the stream with ERROR."""


class TunnelEnd(Buffer):
    """The byte stream of HALF."""

    def __init__(self, half: Half) -> None:
        self._half = half
        self._active = monotonic()
        self.closed = False

    @property
    def read_timeout(self) -> float:
        """Seconds of silence."""
        return self._half.inbox.timeout

    @read_timeout.setter
    def read_timeout(self, seconds: float) -> None:
        self._half.inbox.timeout = seconds

    @property
    def write_timeout(self) -> float:
        """Seconds for which the peer may accept nothing."""
        return self._half.write_timeout

    @write_timeout.setter
    def write_timeout(self, seconds: float) -> None:
        self._half.write_timeout = seconds

    @property
    def received(self) -> int:
        """Bytes that have been read."""
        return self._half.inbox.received

    @property
    def silence(self) -> float:
        """Seconds since something arrived."""
        return monotonic() - self._active

    def fill(self, wait: bool = False) -> int:  # noqa: ARG002 - it waits where there is nothing
        """As `Buffer`.

        Raises:
            StreamError: the stream broke or was silent for too long.
        """
        inbox = self._half.inbox
        count = inbox.fill()
        if count:
            self._active = monotonic()
            self.feed(inbox.buffer.take(count))
        return count

    def send_from(self, source: Buffer, count: int) -> None:
        """Send the first COUNT bytes of SOURCE, which are consumed."""
        self._half.send(source, count, False)

    def shutdown_output(self) -> None:
        """Close the sending half; reading goes on."""
        self._half.finish(None)

    def restart(self, timeout: float) -> None:
        """TIMEOUT is the read timeout from now on, also of a wait that is already on."""
        inbox = self._half.inbox
        inbox.timeout = timeout
        inbox.waiter.extend(timeout)

    def close(self) -> None:
        """End the stream; its waits raise `StreamClosed`."""
        if not self.closed:
            self.closed = True
            self._half.abort(True)
            self._half.lose(StreamClosed("closed"))
