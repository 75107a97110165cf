"""Sends copies of requests to another server, beside the requests themselves.

Rules of this file:
- A copy never delays, changes or fails its request. It is sent by a greenlet of its own.
- What is under way is bounded: a copy in excess is left out, and so is that of a request whose content is not there as
  a whole.

Source: nginx docs, ngx_http_mirror_module.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from gevent import spawn

from edge.data.exchange.subrequest import UnansweredError, outgoing
from edge.data.net.errors import ExchangeError
from edge.data.policies.variables import filler
from edge.data.upstream.terms import Terms
from edge.table.policies import Retry, Timeouts
from edge.table.records import Transport

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
MOST: Final = 64
"""Copies under way of one route in one worker."""


def add(policy: Mirror, phases: Phases) -> None:
    """A tee."""
    ask, target, host = phases.asks(policy.remote, Transport(), TERMS, MOST_CONTENT), filler(policy.target), policy.host
    under_way = 0

    def send(copy: Outgoing, content: bytes) -> None:
        nonlocal under_way
        try:
            ask(copy, content, None)
        except (UnansweredError, ExchangeError) as error:
            log.debug("a copy came to nothing: %s", error)
        except Exception:
            log.exception("a copy came to nothing")
        finally:
            under_way -= 1

    def tee(exchange: Exchange, content: bytes | None) -> None:
        nonlocal under_way
        if under_way >= MOST or (content is None and policy.with_content):
            return
        under_way += 1
        sent = content if content and policy.with_content else b""
        spawn(send, _copy(exchange, target(exchange), host.encode(), sent), sent)

    phases.tees.append(tee)


def _copy(exchange: Exchange, target: bytes, host: bytes, content: bytes) -> Outgoing:
    """The copy of EXCHANGE's request, with the fields that the endpoint gets."""
    request, client = exchange.outgoing, exchange.client
    return outgoing(
        method=request.method,
        target=target,
        host=host,
        fields=b"X-Forwarded-Host: " + client.host + b"\r\n" + request.added + client.request.passed(),
        request_id=request.request_id,
        content=content if content else None,
    )
