"""What a TLS ClientHello asks for, read before the handshake (RFC 8446, section 4.1.2; RFC 6066; RFC 7301).

Rules of this file:
- A pure function of bytes that were peeked: nothing is consumed, and the handshake itself sees them all again.
- It only has to choose a context, so it reads no more than that takes; but what it reads must be well formed, because
  the choice decides whether a client certificate is demanded.
- The hello may be spread over several records and segments; 16 KiB hold every real one, post-quantum shares included.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

LONGEST = 16384
"""Bytes that a hello with its record headers may have."""
HANDSHAKE = 22
CLIENT_HELLO = 1
SERVER_NAME = 0
ALPN = 16
SUPPORTED_VERSIONS = 43
TLS_1_2 = 0x0303
TLS_1_3 = 0x0304

_record = Struct(">BHH").unpack_from
_short = Struct(">H").unpack_from
_extension = Struct(">HH").unpack_from


class NotAHello(ValueError):
    """The bytes are no ClientHello; they may be plain HTTP."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """So far it may become a ClientHello."""

    need: int
    """Bytes, counted from the beginning, without which nothing more can be said."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers."""

    server_name: str
    """SNI in lower case without a trailing dot; empty without one."""
    alpn: tuple[bytes, ...]
    """Application protocols, the preferred first."""
    versions: tuple[int, ...]
    """Protocol versions as on the wire (0x0304 is TLS 1.3), the preferred first, without GREASE."""


def parse(data: bytes) -> ClientHello | Incomplete:
    """The ClientHello at the beginning of DATA.

    Raises:
        NotAHello: it cannot become one.
    """
    hello = _message(data)
    if isinstance(hello, Incomplete):
        if hello.need > LONGEST:
            raise NotAHello("hello too large")
        return hello
    try:
        return _read(hello)
    except (IndexError, ValueError) as error:
        # struct.error is a ValueError
        raise NotAHello(str(error)) from None
