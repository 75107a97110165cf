"""Reading a request's content as a whole before an endpoint is asked.

The content can then be sent again, and a slow client occupies no endpoint. What is small stays in memory; more goes to
a `Spool`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http._message import UNKNOWN_LENGTH
from edge.data.net.errors import MessageError
from edge.data.net.spool import Spool
from edge.data.routing.plan import WHOLE_CONTENT

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.http._message import Outgoing
    from edge.data.net.spool import Spools


def keep(client: Client, outgoing: Outgoing, spools: Spools, *, limit: int, memory: int) -> bytes | Spool:
    """The content of CLIENT's request, of up to LIMIT bytes, MEMORY of them in memory; OUTGOING gets its length.

    Raises:
        MessageError: it is larger than that, or malformed.
        StreamError: the client is gone, or silent for too long.
        SpoolError: it cannot be kept.
    """
    content = client.content
    spool = Spool(spools, memory)
    while count := content.fill():
        if content.received > limit:
            raise MessageError(413, "request body too large")
        spool.append(content.buffer.take(count))
    if outgoing.length == UNKNOWN_LENGTH:
        if client.trailers() is not None and not outgoing.old:
            return spool  # only content of unknown length may have trailers
        outgoing.length = spool.size
    return spool.tail() if spool.size <= WHOLE_CONTENT else spool
