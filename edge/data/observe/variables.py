"""Variables of the access log that are neither written in C nor those of a request.

Rules of this file:
- A value is a function of the exchange, called when the line is made; None: there is none.
- Values that need a system call or OpenSSL are read only if the format has them.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from typing import Final

from edge.data.exchange.exchange import Exchange
from edge.data.exchange.variables import FAMILIES as OF_REQUESTS
from edge.data.exchange.variables import VALUES as REQUEST

Value = Callable[[Exchange], bytes | None]

NGINX: Final = b"1.27.1"
"""The version in ingress-nginx 1.15, for programs that read lines."""
_tcp_info: Final = struct.Struct("=8x 24I")
"""The first numbers of `struct tcp_info` (Linux)."""
_RTT, _RTTVAR, _SND_CWND, _RCV_SPACE = 15, 16, 18, 22
"""Their places; as nginx has them."""


def _tcp(place: int) -> Value:
    def value(exchange: Exchange) -> bytes | None:
        stream = exchange.client.wire()
        try:
            if stream is None:
                return None
            info = stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _tcp_info.size)
        except OSError:
            return None
        return b"%d" % _tcp_info.unpack(info)[place] if len(info) == _tcp_info.size else None

    return value


def _constant(text: bytes) -> Value:
    return lambda _: text


def _connection(exchange: Exchange) -> bytes | None:
    number, _ = exchange.client.place()
    return b"%d" % number if number else None


def _connection_requests(exchange: Exchange) -> bytes | None:
    _, number = exchange.client.place()
    return b"%d" % number if number else None


def _peer_address(exchange: Exchange) -> bytes | None:
    return exchange.client.ends()[0][0].encode() or None


def _proxied_address(exchange: Exchange) -> bytes | None:
    """The address in the PROXY header: another than that of the socket."""
    client = exchange.client
    return client.source().encode() if client.source() != client.ends()[0][0] else None


def _ratio(exchange: Exchange) -> bytes | None:
    """How many times smaller the content has become by its encoding."""
    outcome = exchange.outcome
    if not 0 < outcome.content_sent < outcome.upstream_content:
        return None
    return b"%.2f" % (outcome.upstream_content / outcome.content_sent)


def _grpc_status(exchange: Exchange) -> bytes | None:
    status = exchange.outcome.grpc
    return b"%d" % status if status >= 0 else None


def _present(value: Value) -> Value:
    """VALUE; None if it is empty."""
    return lambda exchange: value(exchange) or None


VALUES: Final[dict[str, Value]] = {
    **{name: _present(value) for name, value in REQUEST.items()},
    "connection": _connection,
    "connection_requests": _connection_requests,
    "grpc_status": _grpc_status,
    "gzip_ratio": _ratio,
    "literal_dollar": _constant(b"$"),
    "nginx_version": _constant(NGINX),
    "pid": lambda _: b"%d" % os.getpid(),
    "pipe": _constant(b"."),
    "proxy_protocol_addr": _proxied_address,
    "realip_remote_addr": _peer_address,
    "realip_remote_port": _present(REQUEST["remote_port"]),
    "sent_trailer_grpc_status": _grpc_status,
    "tcpinfo_rcv_space": _tcp(_RCV_SPACE),
    "tcpinfo_rtt": _tcp(_RTT),
    "tcpinfo_rttvar": _tcp(_RTTVAR),
    "tcpinfo_snd_cwnd": _tcp(_SND_CWND),
}
"""A function for each variable that is not of a family, not of the route, and not put in C."""


def of_family(family: str, name: str) -> Value:
    """The value of the variable NAME of a FAMILY of requests."""
    return _present(OF_REQUESTS[family](name))
