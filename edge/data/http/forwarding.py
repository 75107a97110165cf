"""Who the client is, and what endpoints are told about it (ingress-nginx's X-Forwarded-* contract).

Without trust the peer is the client, and what it claims is passed on as X-Original-Forwarded-*. A trusted peer (another
proxy in `--proxy-real-ip-cidr`, with `--use-forwarded-headers`) speaks for its client.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.data.http.h1._head import is_host

if TYPE_CHECKING:
    from edge.data.http.h1._head import Head
    from edge.settings import Settings

_SECURE = {"http": False, "https": True, "ws": False, "wss": True}
"""Schemes that a proxy in front names; some say `wss` where a WebSocket is asked for (RFC 6455, section 3)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, as far as Edge believes it."""

    address: str
    host: bytes
    secure: bool
    fields: bytes


class Forwarding:
    """Makes the fields, by the settings."""

    def __init__(self, settings: Settings) -> None:
        self.trusting = settings.use_forwarded_headers
        self._append = settings.compute_full_forwarded_for
        self._trusted = tuple(ipaddress.ip_network(cidr, strict=False) for cidr in settings.proxy_real_ip_cidr)

    def trusts(self, address: str) -> bool:
        """Whether the peer at ADDRESS may speak for others."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self._trusted)

    @staticmethod
    def fields(address: str, forwarded_for: str, port: int, *, secure: bool) -> bytes:
        """Field lines about a client at ADDRESS that came to PORT."""
        scheme = "https" if secure else "http"
        return (
            f"X-Real-IP: {address}\r\nX-Forwarded-For: {forwarded_for}\r\nX-Forwarded-Port: {port}\r\n"
            f"X-Forwarded-Proto: {scheme}\r\nX-Forwarded-Scheme: {scheme}\r\nX-Scheme: {scheme}\r\n"
        ).encode("latin-1")

    def origin(self, request: Head, *, peer: str, port: int, secure: bool) -> Origin:
        """What a trusted PEER says about its client in REQUEST; PORT and SECURE are how the peer itself came."""
        claimed_for = _text(request, b"x-forwarded-for")
        address = self._client_address(claimed_for, peer)
        forwarded_for = address
        if self._append:
            forwarded_for = f"{claimed_for}, {peer}" if claimed_for else peer
        claimed = _SECURE.get((_first(request, b"x-forwarded-proto") or _first(request, b"x-forwarded-scheme")).lower())
        if claimed is not None and claimed != secure:
            secure, port = claimed, 443 if claimed else 80
        port = _port(_first(request, b"x-forwarded-port")) or port
        host = _first(request, b"x-forwarded-host").encode("latin-1")
        return Origin(
            address,
            host if is_host(host) else request.host,
            secure,
            self.fields(address, forwarded_for, port, secure=secure),
        )

    def _client_address(self, claimed: str, peer: str) -> str:
        """The last address of the chain that no trusted proxy has; the first when all are trusted."""
        chain = [part.strip() for part in claimed.split(",") if _is_address(part.strip())]
        for address in reversed(chain):
            if not self.trusts(address):
                return address
        return chain[0] if chain else peer


def _text(request: Head, name: bytes) -> str:
    value = request.get(name)
    return value.decode("latin-1") if value else ""


def _first(request: Head, name: bytes) -> str:
    """What the proxy closest to the client has said."""
    return _text(request, name).partition(",")[0].strip()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _port(text: str) -> int:
    """The port that TEXT names; 0: none."""
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    return port if port < 65536 else 0
