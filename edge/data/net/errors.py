"""Errors of streams and messages, and whether the client or the endpoint caused them.

Rules of this file:
- The type is the kind of error, and `endpoint` is who caused it: both are known where it is raised. The answer to the
  client is chosen in one place, `edge.data.handling.faults`.
"""

from __future__ import annotations

from typing import Protocol

ENDPOINT = 502
"""In place of the status of a fault: the message is from an endpoint (RFC 9110, section 15.6.3)."""


class Peer(Protocol):
    """The state of a stream's other end."""

    to_endpoint: bool


class ExchangeError(Exception):
    """An exchange has failed."""

    endpoint = False
    """Whether the endpoint caused it, not the client."""
    code = 0
    """The error code of HTTP/2 (RFC 9113, section 7) for the other side; 0: there is none."""


class StreamError(ExchangeError):
    """The peer cannot be reached any more; nothing further can be read or written."""

    def __init__(self, reason: str, stream: Peer | None = None) -> None:
        """STREAM is the one that failed, to a client or to an endpoint."""
        super().__init__(reason)
        self.stream = stream
        self.endpoint = stream is not None and stream.to_endpoint


class StreamClosed(StreamError):
    """The connection was reset, or this side closed it."""


class StreamTimeout(StreamError):
    """The peer was silent longer than allowed."""


class PeerGone(StreamError):
    """The client closed its connection while Edge waited for the endpoint."""

    def __init__(self, reason: str, stream: Peer | None = None) -> None:
        super().__init__(reason, stream)
        self.endpoint = False


class MessageError(ExchangeError):
    """A client sent a message that Edge does not accept (RFC 9110, 9112)."""

    def __init__(self, status: int, reason: str) -> None:
        """STATUS is the answer; REASON is for the log."""
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class ResponseError(MessageError):
    """An endpoint sent a message that Edge does not pass on."""

    endpoint = True

    def __init__(self, reason: str) -> None:
        super().__init__(ENDPOINT, reason)


class Incomplete(MessageError):
    """The stream ended within a client's message."""

    def __init__(self, reason: str = "the connection ended within a message") -> None:
        super().__init__(400, reason)


class IncompleteResponse(ResponseError):
    """The stream ended within an endpoint's message, or before it."""

    def __init__(self, reason: str, code: int = 0) -> None:
        """CODE: as in `ExchangeError`."""
        super().__init__(reason)
        self.code = code


def malformed(fault: int, reason: str) -> MessageError:
    """The error for a malformed message; FAULT is the status of the answer, or ENDPOINT."""
    return ResponseError(reason) if fault == ENDPOINT else MessageError(fault, reason)


def incomplete(fault: int, reason: str) -> MessageError:
    """The error for a message that is incomplete at the end of its stream; FAULT as in `malformed`."""
    return IncompleteResponse(reason) if fault == ENDPOINT else Incomplete(reason)
