"""Sends copies of requests to another server (nginx docs, ngx_http_mirror_module)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.exchange.subrequest import outgoing
from edge.data.exchange.texts import filler
from edge.data.policies.copies import MOST_CONTENT, TERMS, Copies, size_of
from edge.data.policies.servers import transport_of

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Outgoing
    from edge.data.net.spool import Spool
    from edge.data.policies.phases import Phases
    from edge.table.policies import Mirror


def add(policy: Mirror, phases: Phases) -> None:
    """A tee."""
    transport = transport_of(policy.remote, secure=policy.secure)
    copies = Copies(phases.asks(policy.remote, transport, TERMS, MOST_CONTENT))
    target, host = filler(policy.target), policy.host.encode()

    def tee(exchange: Exchange, content: bytes | Spool | None) -> None:
        sent = content if policy.with_content else b""
        if sent is not None and copies.takes(sent):
            copies.send(_copy(exchange, target(exchange), host, size_of(sent)), sent)

    phases.tees.append(tee)


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
