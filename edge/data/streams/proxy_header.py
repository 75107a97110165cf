"""PROXY protocol headers for endpoints (HAProxy's `doc/proxy-protocol.txt`; numbers in comments are its sections)."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING, NamedTuple

from edge.table.streams import ProxyHeader

if TYPE_CHECKING:
    from edge.data.net._stream import Stream

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n\x21"
"""With the version and the command PROXY (2.2)."""
TCP4, TCP6 = 0x11, 0x21
_LENGTH = struct.Struct(">BH").pack
_PORTS = struct.Struct(">HH").pack


class Ends(NamedTuple):
    """The two ends of a client's connection, as it arrived at Edge or at the balancer in front."""

    address: str
    port: int
    destination: str
    destination_port: int


def ends_of(stream: Stream) -> Ends:
    """The ends of a client's STREAM as its socket has them.

    Raises:
        OSError: it is not connected any more.
    """
    sock = stream.socket
    return Ends(*sock.getpeername()[:2], *sock.getsockname()[:2])


def header(version: ProxyHeader, ends: Ends) -> bytes:
    """The header of VERSION that names ENDS."""
    source, destination = ipaddress.ip_address(ends.address), ipaddress.ip_address(ends.destination)
    if source.version != destination.version:  # a header of a balancer in front may say so; there is one family (2.1)
        source, destination = (
            one if isinstance(one, ipaddress.IPv6Address) else ipaddress.IPv6Address(f"::ffff:{one}")
            for one in (source, destination)
        )
    if version is ProxyHeader.V1:
        return f"PROXY TCP{source.version} {source} {destination} {ends.port} {ends.destination_port}\r\n".encode()
    addresses = source.packed + destination.packed + _PORTS(ends.port, ends.destination_port)
    return SIGNATURE + _LENGTH(TCP4 if source.version == 4 else TCP6, len(addresses)) + addresses
