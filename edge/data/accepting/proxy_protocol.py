"""The PROXY protocol, version 1 and 2: a load balancer sends the address of the client whose connection it passes on.

Rules of this file:
- The header comes before everything else, TLS included. Exactly its bytes are taken from the socket, because a TLS
  handshake reads the socket itself.
- When the protocol is on, every connection must begin with a header. A connection that does not is closed without an
  answer.
- A header may be used only if the peer is trusted; the caller decides that.

The specification is HAProxy's `doc/proxy-protocol.txt`; numbers in comments are its sections.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.data.net.errors import Incomplete, MessageError

if TYPE_CHECKING:
    from edge.data.net._stream import Stream

LONGEST_LINE = 107
"""Bytes of a version 1 header (2.1)."""
SHORTEST_LINE = len(b"PROXY UNKNOWN\r\n")
MAGIC = b"\r\n\r\n\x00\r\nQUIT\n"
"""The signature of a version 2 header (2.2)."""
LONGEST_BINARY = 4096
"""Bytes of a version 2 header behind its first 16: far more than addresses and the usual TLVs take."""
LOCAL = 0x20
PROXY = 0x21
FAMILIES = (0, 1, 2, 3)  # unspecified, IPv4, IPv6, Unix
TRANSPORTS = (0, 1, 2)  # unspecified, stream, datagram
TCP4 = 0x11
TCP6 = 0x21

_binary = struct.Struct(">BBH").unpack_from
_ports = struct.Struct(">HH").unpack_from


@dataclass(frozen=True, slots=True)
class Source:
    """The addresses of a connection at the load balancer."""

    address: str
    port: int
    destination: str
    destination_port: int


def read(stream: Stream) -> Source | None:
    """Read the header at the beginning of STREAM; None if it has no addresses (LOCAL, UNKNOWN, not TCP). The timeout of
    the stream applies.

    Raises:
        MessageError: there is no valid header.
        StreamError: the stream broke or was silent for too long.
    """
    head = b""
    while len(head) < SHORTEST_LINE:
        head += _take_some(stream, SHORTEST_LINE - len(head))
        if not (MAGIC.startswith(head[: len(MAGIC)]) or b"PROXY ".startswith(head[:6])):
            raise MessageError(400, "no PROXY protocol header")
    if head.startswith(MAGIC):
        return _read_binary(stream, head + _take(stream, 16 - SHORTEST_LINE))
    return _parse_line(_read_line(stream, head))


def _take_some(stream: Stream, most: int) -> bytes:
    """At least one byte, MOST at most."""
    while (taken := stream.take_socket(most)) is None:
        stream.wait_readable()
    if not taken:
        raise Incomplete("the connection ended within a PROXY protocol header")
    return taken


def _take(stream: Stream, count: int) -> bytes:
    """Exactly COUNT bytes."""
    taken = b""
    while len(taken) < count:
        taken += _take_some(stream, count - len(taken))
    return taken


def _read_line(stream: Stream, line: bytes) -> bytes:
    """The whole line that begins with LINE."""
    while b"\n" not in line:
        room = LONGEST_LINE - len(line)
        ahead = stream.peek_socket(room)
        if ahead is None:
            stream.wait_readable()
            continue
        end = ahead.find(b"\n") + 1
        if end == 0 and len(ahead) == room:
            raise MessageError(400, "PROXY protocol line too long")
        line += _take(stream, end or len(ahead) or 1)
    return line


def _parse_line(line: bytes) -> Source | None:
    words = line.decode("latin-1").split(" ")
    if line.find(b"\n") != len(line) - 1 or line.find(b"\r") != len(line) - 2:
        raise MessageError(400, "PROXY protocol line without CR LF")
    if words[1].rstrip("\r\n") == "UNKNOWN":  # whatever follows is ignored (2.1)
        return None
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise MessageError(400, "malformed PROXY protocol line")
    version = 4 if words[1] == "TCP4" else 6
    return Source(
        _address(words[2], version), _port(words[4]), _address(words[3], version), _port(words[5].removesuffix("\r\n"))
    )


def _address(text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise MessageError(400, "malformed address in a PROXY protocol line") from None
    if address.version != version or "%" in text:
        raise MessageError(400, "malformed address in a PROXY protocol line")
    return _plain(address)


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """As text; an IPv4 address that is mapped into IPv6 as IPv4."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def _port(text: str) -> int:
    plain = text.isascii() and text.isdigit() and len(text) <= 5 and (text == "0" or text[0] != "0")
    if not plain or int(text) > 65535:
        raise MessageError(400, "malformed port in a PROXY protocol line")
    return int(text)


def _read_binary(stream: Stream, head: bytes) -> Source | None:
    command, family, length = _binary(head, len(MAGIC))
    if command not in (LOCAL, PROXY) or family >> 4 not in FAMILIES or family & 15 not in TRANSPORTS:
        raise MessageError(400, "unknown version, command or family in a PROXY protocol header")
    if length > LONGEST_BINARY:
        raise MessageError(400, "PROXY protocol header too long")
    rest = _take(stream, length)
    if command == LOCAL or family not in (TCP4, TCP6):
        return None
    size = 4 if family == TCP4 else 16
    if length < 2 * size + 4:
        raise MessageError(400, "PROXY protocol header too short for its addresses")
    port, destination_port = _ports(rest, 2 * size)  # the rest is TLVs, which are not used (2.2.1)
    source, destination = (ipaddress.ip_address(rest[at : at + size]) for at in (0, size))
    return Source(_plain(source), port, _plain(destination), destination_port)
