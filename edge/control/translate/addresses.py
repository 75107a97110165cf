"""IP addresses: their canonical form, and those that must not be an endpoint.

Rules of this file:
- A user who may write a Service in one namespace must not reach Edge's own pod or node by it. So the API server refuses
  loopback, link-local and unspecified addresses in EndpointSlices (Kubernetes, pkg/apis/core/validation,
  ValidateNonSpecialIP). It does not resolve DNS names: their addresses pass the same check here.
- Packets to an IPv6 address with an embedded IPv4 address go to that one, so it is checked. The API server does not
  check embedded addresses, so those of EndpointSlices are checked here.
- Manifest files are written by the operator of Edge: there, loopback and link-local addresses are allowed.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

UNSPECIFIED: Final = "unspecified"
LOOPBACK: Final = "loopback"
LINK_LOCAL: Final = "link-local"
MULTICAST: Final = "multicast"
BROADCAST: Final = "broadcast"
EMBEDDED: Final = "embedded "
"""Prefix of the kind of an embedded IPv4 address."""
FROM_DNS: Final[frozenset[str]] = frozenset()
"""Kinds that may be endpoints as addresses of a name in a cluster."""
FROM_API: Final = frozenset({LOOPBACK, LINK_LOCAL})
"""Kinds that may be endpoints in objects of a cluster, because the API server refuses the bad ones."""
FROM_FILES: Final = frozenset({LOOPBACK, LINK_LOCAL, EMBEDDED + LOOPBACK, EMBEDDED + LINK_LOCAL})
"""Kinds that may be endpoints in manifest files, or as addresses of a name in them."""

_ZERO: Final = bytes(16)
_CARRIERS: Final = (
    (bytes(10) + b"\xff\xff", 12),  # IPv4-mapped (RFC 4291, 2.5.5.2)
    (bytes(8) + b"\xff\xff\0\0", 12),  # IPv4-translated (RFC 7915)
    (bytes(12), 12),  # IPv4-compatible (RFC 4291, 2.5.5.1)
    (bytes.fromhex("0064ff9b") + bytes(8), 12),  # NAT64 (RFC 6052)
    (bytes.fromhex("0064ff9b0001"), 12),  # NAT64 of a local prefix (RFC 8215), whose usual length is 96
    (bytes.fromhex("2002"), 2),  # 6to4 (RFC 3056)
)
"""Prefixes of IPv6 addresses with an embedded IPv4 address, and its offset."""


def pack(address: str) -> bytes:
    """ADDRESS in network byte order; empty: it is not an IP address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.inet_pton(family, address)
    except (OSError, ValueError):  # ValueError: a NUL in it
        return b""


def text(packed: bytes) -> str:
    """The canonical form of PACKED, which is not empty."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def special(packed: bytes) -> str:
    """The kind of the special address PACKED; empty: it is an ordinary one and may be an endpoint."""
    return _special4(packed) if len(packed) == 4 else _special6(packed)


def _special4(packed: bytes) -> str:
    first = packed[0]
    if first == 127:
        return LOOPBACK
    if first == 0:  # "this host on this network" (RFC 1122, 3.2.1.3); Linux takes 0.0.0.0 for loopback
        return UNSPECIFIED
    if first == 169 and packed[1] == 254:
        return LINK_LOCAL
    if 224 <= first < 240:
        return MULTICAST
    return BROADCAST if packed == b"\xff\xff\xff\xff" else ""


def _special6(packed: bytes) -> str:
    if packed[0] == 0xFF:
        return MULTICAST
    if packed[0] == 0xFE and packed[1] & 0xC0 == 0x80:
        return LINK_LOCAL
    if packed == _ZERO:
        return UNSPECIFIED
    if packed[:15] == _ZERO[:15] and packed[15] == 1:
        return LOOPBACK
    for prefix, start in _CARRIERS:
        if packed.startswith(prefix):
            kind = _special4(packed[start : start + 4])
            return EMBEDDED + kind if kind else ""
    return ""


class SortedOut:
    """Checks the addresses of one host or Service port."""

    def __init__(self, allowed: AbstractSet[str]) -> None:
        """ALLOWED: kinds of special addresses that may be endpoints."""
        self._allowed = allowed
        self.refused: set[str] = set()

    def take(self, address: str) -> str:
        """ADDRESS in its canonical form; empty: it is not an address, or must not be an endpoint."""
        packed = pack(address)
        if not packed:
            return ""  # a worker must never be given a name to look up
        kind = special(packed)
        if kind and kind not in self._allowed:
            self.refused.add(f"{text(packed)} ({kind})")
            return ""
        return address if len(packed) == 4 else text(packed)
