"""Attempts at endpoints: how they fail, and when another may follow."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edge.data.http.replies import Reply
    from edge.data.upstream.target import Target
    from edge.table.policies import Retry


class Kind(Enum):
    """Kinds of failures, as in `proxy-next-upstream`."""

    CONNECT = "connect"
    """No connection could be made."""
    BREAK = "break"
    """The connection broke before the answer."""
    TIMEOUT = "timeout"
    INVALID = "invalid"
    """The answer is no HTTP."""
    STATUS = "status"
    """The answer has a status for which another endpoint is tried."""
    OURS = "ours"
    """This process lacks something."""


class Failure(NamedTuple):
    """A failed attempt."""

    kind: Kind
    reply: Reply
    """The answer if there is no further attempt."""
    repeatable: bool
    """Whether another attempt is safe."""
    target: Target | None = None
    """The endpoint that failed; None: the log has the reason already."""
    reason: str = ""


def allows(retry: Retry, kind: Kind) -> bool:
    """Whether RETRY allows another attempt after a failure of this KIND."""
    if kind in (Kind.CONNECT, Kind.BREAK):
        return retry.on_error
    if kind is Kind.TIMEOUT:
        return retry.on_timeout
    return retry.on_invalid if kind is Kind.INVALID else kind is Kind.STATUS
