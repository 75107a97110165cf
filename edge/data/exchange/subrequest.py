"""Requests that Edge makes itself for a client's request: to authentication servers, mirrors, error pages.

Rules of this file:
- A subrequest is a message of its own: nothing that happens to it changes the client's request.
- It has no HTTP version and no endpoint. `edge.data.handling.subrequests` sends it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.data.http._message import NO_CONTENT, Message, Outgoing

if TYPE_CHECKING:
    from edge.data.exchange.client import Client

_NOTHING: Final = Message()
"""In place of a client's message: a subrequest has only fields of its own."""


class Answer(NamedTuple):
    """The response to a subrequest, as far as it was read.

    - `fields`: names and values as they came. `content`: at most as many bytes as were asked for; `whole`: that is all.
    """

    status: int
    fields: list[tuple[bytes, bytes]]
    content: bytes
    whole: bool

    def get(self, name: bytes) -> bytes | None:
        """Value of the field NAME (lower case), several joined by a comma; None: there is none."""
        values = self.values(name)
        return b", ".join(values) if values else None

    def values(self, name: bytes) -> list[bytes]:
        """Each value of the field NAME (lower case)."""
        return [value for known, value in self.fields if known.lower() == name]


class UnansweredError(Exception):
    """A subrequest got no response; the message says why. The failed endpoint has been logged."""


Ask = Callable[[Outgoing, bytes, "Client | None"], Answer]
"""Sends a subrequest with its content, and returns the response. If a client is given, its end ends the wait.

Raises:
    UnansweredError: no endpoint has answered.
    ExchangeError: the client is gone.
"""


def outgoing(
    *, method: bytes, target: bytes, host: bytes, fields: bytes, request_id: bytes, content: bytes | None = None
) -> Outgoing:
    """A subrequest with FIELDS, complete field lines beside Host and X-Request-ID; CONTENT None: it has none."""
    made = Outgoing(_NOTHING)
    made.method, made.target, made.host = method, target, host
    made.request_id, made.added = request_id, fields
    made.length = len(content) if content is not None else NO_CONTENT
    return made
