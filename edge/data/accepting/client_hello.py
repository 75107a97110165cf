"""What a TLS ClientHello asks for, read before the handshake (RFC 8446, section 4.1.2; RFC 6066; RFC 7301).

Rules of this file:
- A pure function of bytes that were peeked: nothing is consumed, and the handshake itself sees them all again.
- It only has to choose a context, so it reads no more than that takes; but what it reads must be well formed, because
  the choice decides whether a client certificate is demanded.
- The hello may be spread over several records and segments; 16 KiB hold every real one, post-quantum shares included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

LONGEST = 16384
"""Bytes that a hello may have, its record headers included."""
MOST_RECORDS = 32
HANDSHAKE = 22
CLIENT_HELLO = 1
SERVER_NAME = 0
ALPN = 16
SUPPORTED_VERSIONS = 43
RANDOM_END = 34
"""Where legacy_version and random end, and the session id begins."""


class NotAHelloError(ValueError):
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
    """Protocol versions as on the wire (0x0304 is TLS 1.3), the preferred first, without GREASE; a client that does
    not list them offers those up to the only one here."""


def parse(data: bytes) -> ClientHello | Incomplete:
    """The ClientHello at the beginning of DATA, or how many bytes there must be at least before asking again.

    Raises:
        NotAHelloError: it is none and cannot become one.
    """
    try:
        hello = _message(data)
        if isinstance(hello, bytes):
            return _read(hello)
    except IndexError:
        raise NotAHelloError("a length points outside the hello") from None
    if hello.need > LONGEST:
        raise NotAHelloError("hello too large")
    return hello


def _message(data: bytes) -> bytes | Incomplete:
    """The body of the handshake message, out of its records."""
    message = b""
    at = 0
    for _ in range(MOST_RECORDS):
        if len(data) < at + 5:
            if not (b"\x16\x03".startswith(data[at : at + 2])):
                raise NotAHelloError("not a handshake record")
            return Incomplete(at + 5)
        length = _short(data, at + 3)
        if data[at] != HANDSHAKE or data[at + 1] != 3 or not 0 < length <= LONGEST:
            raise NotAHelloError("not a handshake record")
        at += 5
        message += data[at : at + length]
        at += length
        if message and message[0] != CLIENT_HELLO:
            raise NotAHelloError("not a ClientHello")
        size = 4 + (message[1] << 16 | _short(message, 2)) if len(message) >= 4 else LONGEST
        if len(message) >= size:
            return message[4:size]
        if size > LONGEST:
            raise NotAHelloError("hello too large")
        if len(data) < at:
            return Incomplete(min(at, len(data) + size - len(message)))
    raise NotAHelloError("hello in too many records")


def _read(hello: bytes) -> ClientHello:
    legacy_version = _short(hello, 0)
    at = RANDOM_END + 1 + hello[RANDOM_END]
    at += 2 + _short(hello, at)  # cipher suites
    at += 1 + hello[at]  # compression methods
    name: str | None = None
    alpn: tuple[bytes, ...] | None = None
    versions: tuple[int, ...] | None = None
    end = len(hello)
    if at != end:
        if at + 2 + _short(hello, at) != end:
            raise NotAHelloError("extensions do not end with the hello")
        at += 2
    while at < end:
        kind, length = _short(hello, at), _short(hello, at + 2)
        at += 4
        if at + length > end:
            raise NotAHelloError("an extension is longer than the hello")
        if kind == SERVER_NAME:
            _once(name)
            name = _server_name(hello[at : at + length])
        elif kind == ALPN:
            _once(alpn)
            alpn = _protocols(hello[at : at + length])
        elif kind == SUPPORTED_VERSIONS:
            _once(versions)
            versions = _versions(hello[at : at + length])
        at += length
    return ClientHello(name or "", alpn or (), versions or (legacy_version,))


def _short(data: bytes, at: int) -> int:
    """The two bytes at AT as a number.

    Raises:
        IndexError: there are not so many.
    """
    return data[at] << 8 | data[at + 1]


def _once(value: object) -> None:
    if value is not None:
        raise NotAHelloError("an extension is repeated")


def _server_name(data: bytes) -> str:
    """The only host_name of a server name list (RFC 6066, section 3)."""
    size, kind, length = _short(data, 0), data[2], _short(data, 3)
    name = data[5:]
    if size != len(data) - 2 or kind != 0 or not 0 < length <= 255 or length != len(name):
        raise NotAHelloError("malformed server name list")
    if not (name.isascii() and name.decode("latin-1").isprintable()) or b" " in name:
        raise NotAHelloError("malformed server name")
    return name.decode("ascii").lower().rstrip(".")


@lru_cache(64)
def _protocols(data: bytes) -> tuple[bytes, ...]:
    """The names of an ALPN list (RFC 7301, section 3.1)."""
    if _short(data, 0) != len(data) - 2 or len(data) < 4:
        raise NotAHelloError("malformed ALPN list")
    names = []
    at = 2
    while at < len(data):
        name = data[at + 1 : at + 1 + data[at]]
        if not name or len(name) != data[at]:
            raise NotAHelloError("malformed ALPN list")
        names.append(name)
        at += 1 + len(name)
    return tuple(names)


@lru_cache(64)
def _versions(data: bytes) -> tuple[int, ...]:
    """The versions of a supported_versions extension (RFC 8446, section 4.2.1), without GREASE (RFC 8701)."""
    if data[0] != len(data) - 1 or len(data) < 3 or len(data) % 2 == 0:
        raise NotAHelloError("malformed list of versions")
    found = [_short(data, at) for at in range(1, len(data), 2)]
    return tuple(version for version in found if version & 0x0F0F != 0x0A0A)
