"""Addresses and networks as users write them.

Rules of this file:
- A network of IPv4-mapped addresses is an IPv4 network.
- `edge.data.net.networks` finds the network of an address.
"""

from __future__ import annotations

import socket
from typing import Final, NamedTuple

_MAPPED: Final = 0xFFFF << 32
_BITS: Final = {4: 32, 6: 128}


class NetworkError(ValueError):
    """Not a network; the message quotes it."""


class Network(NamedTuple):
    """A network: all addresses that begin with the same bits."""

    version: int
    """4 or 6."""
    first: int
    """Its first address."""
    prefix: int
    """Bits that all its addresses share."""


def parse(text: str) -> Network:
    """The network in TEXT, which may be an address. As in nginx, bits after the prefix are ignored.

    Raises:
        NetworkError: TEXT is neither.
    """
    host, slash, length = text.strip().partition("/")
    version = 6 if ":" in host else 4
    bits = _BITS[version]
    try:
        packed = socket.inet_pton(socket.AF_INET6 if version == 6 else socket.AF_INET, host)
    except (OSError, ValueError):
        packed = b""
    if not packed or (slash and not (length.isascii() and length.isdigit() and len(length) < 4)):
        raise NetworkError(f"{text!r} is neither an IP address nor a network such as 10.0.0.0/8")
    prefix = int(length) if slash else bits
    if prefix > bits:
        raise NetworkError(f"{text!r}: the longest prefix is /{bits}")
    first = int.from_bytes(packed)
    if version == 6 and first >> 32 == 0xFFFF and prefix >= 96:
        version, bits, first, prefix = 4, 32, first - _MAPPED, prefix - 96
    return Network(version, first >> (bits - prefix) << (bits - prefix), prefix)
