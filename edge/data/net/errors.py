"""What can go wrong with a stream or a message, and whose fault it is.

The type says what happened; who answers what to whom is decided in one place, `edge.data.handling.handler`.
"""


class StreamError(Exception):
    """The peer cannot be reached any more; nothing further can be read or written."""

    def __init__(self, reason: str, stream: object = None) -> None:
        """STREAM is the one that failed: it tells client from endpoint."""
        super().__init__(reason)
        self.stream = stream


class StreamClosed(StreamError):
    """The connection was reset, or this side closed it."""


class StreamTimeout(StreamError):
    """The peer was silent longer than allowed."""


class PeerGone(StreamError):
    """The other party of the exchange hung up while this stream was waited for."""


class MessageError(Exception):
    """What the peer sent is not a message that Edge accepts (RFC 9110, 9112)."""

    def __init__(self, status: int, reason: str) -> None:
        """STATUS is the answer: 502 for an endpoint's fault, else the client's; REASON is for the log."""
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Incomplete(MessageError):
    """The stream ended within a message."""

    def __init__(self, reason: str = "the connection ended within a message", status: int = 400) -> None:
        super().__init__(status, reason)
