"""Edge's own answers to gRPC calls ("gRPC over HTTP2", Responses).

Rules of this file:
- A call gets its error as `grpc-status` in a Trailers-Only response with HTTP status 200: clients interpret other HTTP
  statuses as those of a proxy without gRPC support. Counters and logs keep the original status.
- HTTP statuses are mapped as in Envoy; a time-out of an endpoint is DEADLINE_EXCEEDED.
- Redirects stay what they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.http.replies import Reply, reason

if TYPE_CHECKING:
    from edge.data.http._fields import FieldLines
    from edge.data.http._message import Message

UNKNOWN: Final = 2
STATUSES: Final = {
    400: 13,  # INTERNAL
    401: 16,  # UNAUTHENTICATED
    403: 7,  # PERMISSION_DENIED
    404: 12,  # UNIMPLEMENTED
    413: 8,  # RESOURCE_EXHAUSTED
    429: 14,  # UNAVAILABLE
    502: 14,
    503: 14,
    504: 4,  # DEADLINE_EXCEEDED
}
"""By the status of HTTP."""
KNOWN: Final = {b"%d" % number: number for number in range(17)}
"""Those that gRPC has, as they stand in messages."""
CONTENT_TYPE: Final = b"application/grpc"
LEAST: Final = 400
"""The first status of HTTP that is an error."""


def is_call(request: Message) -> bool:
    """Whether REQUEST is a call; those of gRPC-Web are not."""
    content_type = (request.get(b"content-type") or b"").lower()
    return content_type.startswith(CONTENT_TYPE) and content_type[len(CONTENT_TYPE) :][:1] in (b"", b"+", b";", b" ")


def status_of(response: Message, trailers: FieldLines | None) -> int:
    """The gRPC status in RESPONSE or its TRAILERS; -1: none, or one that gRPC does not define."""
    value = trailers.get(b"grpc-status") if trailers is not None else response.get(b"grpc-status")
    return KNOWN.get(value, -1) if value is not None else -1


def answer(reply: Reply) -> tuple[Reply, int]:
    """REPLY as the answer to a call, and the status that it has; -1: none."""
    if reply.status < LEAST:
        return reply, -1
    status = STATUSES.get(reply.status, UNKNOWN)
    message = f"{reply.status} {reason(reply.status)}".strip()
    fields = f"grpc-status: {status}\r\ngrpc-message: {message}\r\n".encode()
    return Reply(200, b"", reply.fields + fields, CONTENT_TYPE, reply.closes), status
