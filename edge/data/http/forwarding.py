"""The client's address, and the fields that describe it to endpoints (ingress-nginx's X-Forwarded-* contract).

Without trust the peer is the client, and its X-Forwarded-For and -Host are passed on as X-Original-Forwarded-*. A
trusted peer (another proxy in `--proxy-real-ip-cidr`, with `--use-forwarded-headers`) names its client. The list in
`_names.pyx` determines which other fields of a client are passed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from edge.data.http._message import is_host
from edge.data.http._trust import Trust

if TYPE_CHECKING:
    from edge.data.http._message import Message
    from edge.settings import Settings
    from edge.table.parameters import Parameters

_SECURE = {"http": False, "https": True, "ws": False, "wss": True}
"""Schemes from a proxy in front; some use `wss` for WebSockets (RFC 6455, section 3)."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,31}", re.ASCII)
"""Any other scheme (RFC 3986, section 3.1) is passed on as the proxy wrote it, as ingress-nginx does."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a request, as far as Edge trusts it."""

    address: str
    host: bytes
    secure: bool
    port: int
    fields: bytes


class Forwarding:
    """Makes the fields, by the settings."""

    def __init__(self, settings: Settings, parameters: Parameters) -> None:
        self.trusting = settings.use_forwarded_headers or parameters.enable_real_ip
        self.claiming = settings.use_forwarded_headers
        """Whether trusted peers name more of their clients than the address."""
        self._for = parameters.forwarded_for_header.encode()
        self._host = parameters.forwarded_host_header.encode()
        self.writes_forwarded = settings.send_forwarded_header
        self.passes_cdn = settings.pass_cdn_headers
        self._append = settings.compute_full_forwarded_for
        self._trust = Trust(settings.proxy_real_ip_cidr)

    def trusts(self, address: str) -> bool:
        """Whether the peer at ADDRESS is trusted."""
        return self._trust.covers(address)

    @staticmethod
    def fields(address: str, forwarded_for: str, port: int, *, secure: bool, scheme: str = "") -> bytes:
        """Field lines about a client at ADDRESS that connected to PORT; SCHEME: if it is neither http nor https."""
        scheme = scheme or ("https" if secure else "http")
        head = f"X-Real-IP: {address}\r\nX-Forwarded-For: {forwarded_for}\r\n"
        return head.encode("latin-1") + _arrival(port, scheme)

    @staticmethod
    def forwarded(address: str, host: bytes, *, secure: bool) -> bytes:
        """The field line Forwarded about a client at ADDRESS that asked for HOST (RFC 7239, section 4 and 6)."""
        node = f'"[{address}]"' if ":" in address else address
        name = host.decode("latin-1")
        if ":" in name:  # a port, or IPv6: no token
            name = f'"{name}"'
        authority = f";host={name}" if name else ""
        return f"Forwarded: for={node}{authority};proto={'https' if secure else 'http'}\r\n".encode("latin-1")

    def origin(self, request: Message, *, peer: str, port: int, secure: bool) -> Origin:
        """The client that a trusted PEER describes in REQUEST; PORT and SECURE are those of the peer's connection."""
        chain = request.get(self._for)
        address = forwarded_for = self._trust.client(chain, peer) if chain else peer
        if self._append:
            forwarded_for = f"{chain.decode('latin-1')}, {peer}" if chain else peer
        if not self.claiming:
            fields = self.fields(address, forwarded_for, port, secure=secure)
            return Origin(address, request.host, secure, port, fields)
        scheme = (_first(request, b"x-forwarded-proto") or _first(request, b"x-forwarded-scheme")).lower()
        claimed = _SECURE.get(scheme)
        if claimed is not None and claimed != secure:
            secure, port = claimed, 443 if claimed else 80
        other = scheme if scheme not in _SECURE and _SCHEME.fullmatch(scheme) else ""
        port = _port(_first(request, b"x-forwarded-port")) or port
        host = _first(request, self._host).encode("latin-1")
        return Origin(
            address,
            host if is_host(host) else request.host,
            secure,
            port,
            self.fields(address, forwarded_for, port, secure=secure, scheme=other),
        )


@lru_cache(64)
def _arrival(port: int, scheme: str) -> bytes:
    """The field lines that are the same for many clients: scheme and port."""
    return (
        f"X-Forwarded-Port: {port}\r\n"
        f"X-Forwarded-Proto: {scheme}\r\nX-Forwarded-Scheme: {scheme}\r\nX-Scheme: {scheme}\r\n"
    ).encode("latin-1")


def _text(request: Message, name: bytes) -> str:
    value = request.get(name)
    return value.decode("latin-1") if value else ""


def _first(request: Message, name: bytes) -> str:
    """The value set by the proxy closest to the client."""
    return _text(request, name).partition(",")[0].strip()


def _port(text: str) -> int:
    """The port that TEXT names; 0: none."""
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    return port if port < 65536 else 0
