"""Sends copies of requests to another server, beside the requests themselves.

Rules of this file:
- A copy never delays, changes or fails its request. It is sent by a greenlet of its own.
- What is under way is bounded: a copy in excess is left out, and so is that of a request whose content is large, or
  not there as a whole.

Source: nginx docs, ngx_http_mirror_module.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from gevent import spawn

from edge.data.exchange.subrequest import UnansweredError, outgoing
from edge.data.net.errors import ExchangeError
from edge.data.net.spool import Spool, SpoolError
from edge.data.policies.servers import transport_of
from edge.data.policies.variables import filler
from edge.data.upstream.terms import Terms
from edge.table.policies import Retry, Timeouts

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Outgoing
    from edge.data.policies.phases import Phases
    from edge.table.policies import Mirror

log = logging.getLogger("edge.data")

TERMS: Final = Terms(Timeouts(""), Retry("", tries=1))
"""nginx's defaults. A copy that fails is not sent again."""
MOST_CONTENT: Final = 65536
"""Bytes of an answer that are read, for nothing but to use the connection again."""
LARGEST: Final = 1 << 20
"""Bytes of content that are copied."""
MOST: Final = 64
"""Copies under way of one route in one worker."""


def add(policy: Mirror, phases: Phases) -> None:
    """A tee."""
    transport = transport_of(policy.remote, secure=policy.secure)
    ask, target, host = phases.asks(policy.remote, transport, TERMS, MOST_CONTENT), filler(policy.target), policy.host
    under_way = 0

    def send(copy: Outgoing, content: bytes | Spool) -> None:
        nonlocal under_way
        try:
            ask(copy, content if isinstance(content, bytes) else _read(content), None)
        except (UnansweredError, ExchangeError, SpoolError) as error:
            log.debug("a copy came to nothing: %s", error)
        except Exception:
            log.exception("a copy came to nothing")
        finally:
            under_way -= 1

    def tee(exchange: Exchange, content: bytes | Spool | None) -> None:
        nonlocal under_way
        sent = content if policy.with_content else b""
        if under_way >= MOST or sent is None or (isinstance(sent, Spool) and sent.size > LARGEST):
            return
        under_way += 1
        size = len(sent) if isinstance(sent, bytes) else sent.size
        spawn(send, _copy(exchange, target(exchange), host.encode(), size), sent)

    phases.tees.append(tee)


def _read(spool: Spool) -> bytes:
    """All of SPOOL.

    Raises:
        SpoolError: it cannot be read.
    """
    pieces: list[bytes | memoryview] = []
    size = 0
    while piece := spool.read(size):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _copy(exchange: Exchange, target: bytes, host: bytes, size: int) -> Outgoing:
    """The copy of EXCHANGE's request with SIZE bytes of content, and the fields that the endpoint gets."""
    request, client = exchange.outgoing, exchange.client
    copy = outgoing(
        method=request.method,
        target=target,
        host=host,
        fields=b"X-Forwarded-Host: " + client.host + b"\r\n" + request.added + client.request.passed(),
        request_id=request.request_id,
    )
    if size:
        copy.length = size
    return copy
