"""The endpoint's half of an exchange, whatever HTTP version the endpoint speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.http._content import Content
    from edge.data.http._fields import FieldLines
    from edge.data.http._message import Message, Outgoing
    from edge.data.net._buffer import Buffer
    from edge.data.net._scheduler import Resumable
    from edge.data.net._stream import Stream
    from edge.data.net._waiter import Waiter


class Upstream:
    """An endpoint of a request; each HTTP version is a subclass.

    - `name`: of the endpoint, for logs. `response`, `content`: the message that has arrived.
    - `waiter`: the stream, or the waiter, to wait for until the response arrives.
    - `idle_since`: monotonic seconds; 0: it is in use.
    """

    name: str
    response: Message
    content: Content
    waiter: Stream | Waiter
    idle_since: float

    def begin(self, request: Outgoing, send_timeout: float, read_timeout: float) -> None:
        """Begin REQUEST; timeouts in seconds, of silence."""
        raise NotImplementedError

    def expire_in(self, seconds: float) -> None:
        """The response to the request that was begun must be complete within SECONDS; 0: there is no limit."""
        raise NotImplementedError

    def send_all(self, content: bytes) -> None:
        """Send CONTENT, which is complete, with everything that is buffered."""
        raise NotImplementedError

    def send(self, source: Buffer, count: int) -> None:
        """Send the first COUNT bytes of SOURCE as a piece of the content."""
        raise NotImplementedError

    def flush(self) -> None:
        """Send everything that is buffered."""
        raise NotImplementedError

    def finish(self, trailers: FieldLines | None) -> None:
        """End the request."""
        raise NotImplementedError

    def await_response(self, one: Resumable) -> bool:  # noqa: ARG002 - only some versions can
        """Resume ONE when `receive` has something to do; False: `receive` is to be called at once."""
        return False

    def receive(self, first: bool) -> None:
        """Read a head into `response`; FIRST: it is the first one since `begin`.

        Raises:
            ResponseError: it is not a response that Edge passes on.
            IncompleteResponse: the stream ended before it.
            StreamError: the stream broke or was silent for too long.
        """
        raise NotImplementedError

    def start_content(self, bodiless: bool) -> None:
        """Make `content` that of the response; BODILESS: by request method or status it has none."""
        raise NotImplementedError

    def trailers(self) -> FieldLines | None:
        """The trailer section of the response, checked; None: there is none.

        Raises:
            ResponseError: it is malformed.
        """
        raise NotImplementedError

    def length(self) -> int:
        """Bytes of content that the response announces, or UNKNOWN_LENGTH."""
        raise NotImplementedError

    def waiting(self) -> bool:
        """Whether nothing of the content has arrived yet."""
        raise NotImplementedError

    def at_hand(self) -> bool:
        """Whether more of the response has arrived and can be read without waiting. False if that is not known."""
        return False

    def be_patient(self) -> float:
        """Wait for the response without a limit, because the request is still being sent; returns the timeout that
        applied."""
        raise NotImplementedError

    def be_impatient(self, timeout: float) -> None:
        """Limit the wait for the response to TIMEOUT seconds from now on, also if it has begun."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        """End the wait for the response with ERROR: the request cannot be finished."""
        raise NotImplementedError

    def unprocessed(self) -> bool:
        """Whether an endpoint that closed the connection has provably not read the request."""
        raise NotImplementedError

    def reusable(self, bodiless: bool) -> bool:
        """Whether another request may follow: both messages are complete, and neither side ends the connection."""
        raise NotImplementedError

    def open(self, check: bool) -> bool:
        """Whether it still looks open after an idle time; CHECK: look closely."""
        raise NotImplementedError

    def release(self, now: float) -> None:
        """The exchange is over, and another may follow; NOW: monotonic seconds."""
        raise NotImplementedError

    def close(self) -> None:
        """End it at once."""
        raise NotImplementedError

    def switched(self) -> Stream:
        """The byte stream that the connection has become after a switch of protocols."""
        raise NotImplementedError
