"""What is answered when an exchange cannot go on: the one place that turns an error into a status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.net.errors import MessageError, StreamTimeout

if TYPE_CHECKING:
    from edge.data.http.replies import Reply
    from edge.data.net.errors import ExchangeError


def answer(error: ExchangeError) -> Reply | None:
    """The answer for ERROR, when no response has begun; None: the client is gone."""
    if isinstance(error, MessageError):
        return replies.plain(error.status)
    if isinstance(error, StreamTimeout):
        return replies.GATEWAY_TIMEOUT if error.endpoint else replies.plain(408)
    return replies.BAD_GATEWAY if error.endpoint else None
