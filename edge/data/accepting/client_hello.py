"""The contents of a TLS ClientHello, read before the handshake (RFC 8446, section 4.1.2; RFC 6066; RFC 7301).

Rules of this file:
- It knows no sockets, and reads only what is needed to choose a context; but that must be well formed, because the
  context decides whether a client certificate is required.
- A hello may come in any number of records (RFC 8446, section 5.1), cut anywhere, in pieces of any size. Each byte is
  read once, and the headers of records are not kept: memory and work are bounded however it is cut.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

LONGEST = 131396
"""Bytes of a hello behind its header of 4, as for OpenSSL: its lengths have no room for more."""
LONGEST_RECORD = 16384
CLIENT_HELLO = 1
_SERVER_NAME = 0
_ALPN = 16
_SUPPORTED_VERSIONS = 43
REMEMBERED = 256
"""Bytes of a list up to which its result is cached: the lists of real clients are short, and few."""
RANDOM_END = 34
"""Offset of the session id, after legacy_version and random."""


class NotAHelloError(ValueError):
    """The bytes are not a ClientHello; they may be plain HTTP."""


class Incomplete(NamedTuple):
    """The bytes so far may be the beginning of a ClientHello."""

    need: int
    """Bytes, counted from the beginning, that are needed to decide."""


class ClientHello(NamedTuple):
    """What a client offers."""

    server_name: str
    """SNI in lower case without a trailing dot; empty without one."""
    alpn: tuple[bytes, ...]
    """Application protocols, the preferred first."""
    versions: tuple[int, ...]
    """Protocol versions as on the wire (0x0304 is TLS 1.3), the preferred first, without GREASE; a client without the
    list offers all up to its only entry."""


class Reader:
    """Reads one ClientHello, piece by piece."""

    need: int
    """Bytes that must arrive before the next `feed` can succeed."""

    def __init__(self) -> None:
        self.need = 5
        self._message = bytearray()
        self._header = b""
        """Of the current record, as far as it has arrived."""
        self._left = 0
        """Bytes of the current record that have not arrived."""
        self._version = b""
        """The version in the first record."""
        self._rest = b""
        """Bytes after the last record of the hello."""

    def feed(self, data: bytes) -> ClientHello | None:
        """The ClientHello, if DATA contains the end of its last record.

        Raises:
            NotAHelloError: it is none and cannot become one.
        """
        at = 0
        end = len(data)
        while at < end:
            if self._left:
                n = min(self._left, end - at)
                self._message += data[at : at + n]
                self._left -= n
            else:
                n = min(5 - len(self._header), end - at)
                self._begin(self._header + data[at : at + n])
            at += n
            if self._left == 0 and self._is_complete():
                self._rest = data[at:]
                return _checked(bytes(self._message[4 : 4 + self._size()]))
        self._is_complete()
        self.need = self._left or 5 - len(self._header)
        return None

    def _begin(self, header: bytes) -> None:
        """Begin a record, once its HEADER is complete."""
        if not b"\x16\x03".startswith(header[:2]):
            raise NotAHelloError("not a handshake record")
        self._header = header
        if len(header) < 5:
            return
        self._left = _short(header, 3)
        if not 0 < self._left <= LONGEST_RECORD:
            raise NotAHelloError("not a handshake record")
        self._version = self._version or header[1:3]
        self._header = b""

    def _is_complete(self) -> bool:
        """Whether the whole message has arrived."""
        have = len(self._message)
        if have and self._message[0] != CLIENT_HELLO:
            raise NotAHelloError("not a ClientHello")
        if have < 4:
            return False
        size = self._size()
        if size > LONGEST:
            raise NotAHelloError("hello too large")
        return have >= 4 + size

    def _size(self) -> int:
        return self._message[1] << 16 | self._message[2] << 8 | self._message[3]

    @property
    def held(self) -> int:
        """Bytes that are kept here."""
        return len(self._message) + len(self._rest)

    def records(self) -> bytes:
        """All bytes that were fed, those after the hello included, in as few records as possible.

        A handshake sees no difference: it hashes messages, not records (RFC 8446, section 4.4.1).
        """
        parts: list[bytes | bytearray] = []
        for at in range(0, len(self._message), LONGEST_RECORD):
            part = self._message[at : at + LONGEST_RECORD]
            parts += (b"\x16", self._version, len(part).to_bytes(2, "big"), part)
        return b"".join(parts) + self._rest


def parse(data: bytes) -> ClientHello | Incomplete:
    """The ClientHello at the beginning of DATA, or how many bytes are needed at least before the next call.

    Raises:
        NotAHelloError: it is none and cannot become one.
    """
    reader = Reader()
    return at_once(data) or reader.feed(data) or Incomplete(len(data) + reader.need)


def at_once(data: bytes) -> ClientHello | None:
    """The ClientHello at the beginning of DATA, if it fills one record, as nearly all do; None: a `Reader` is needed.

    Raises:
        NotAHelloError: it is none and cannot become one.
    """
    if len(data) < 9 or data[0] != 22 or data[1] != 3 or data[5] != 1 or data[6] != 0:
        return None
    size = _short(data, 3)
    if size > LONGEST_RECORD or size > len(data) - 5 or _short(data, 7) != size - 4:
        return None
    return _checked(data[9 : 5 + size])


def _checked(hello: bytes) -> ClientHello:
    try:
        return _read(hello)
    except IndexError:
        raise NotAHelloError("a length points outside the hello") from None


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
        if kind == _SERVER_NAME:
            _once(name)
            name = _server_name(hello[at : at + length])
        elif kind == _ALPN:
            _once(alpn)
            alpn = (_protocols if length <= REMEMBERED else _protocols_of)(hello[at : at + length])
        elif kind == _SUPPORTED_VERSIONS:
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
    if size != len(data) - 2 or kind != 0 or not 0 < length <= 255 or length != len(data) - 5:
        raise NotAHelloError("malformed server name list")
    name = data[5:].decode("latin-1")
    if not (name.isascii() and name.isprintable()) or " " in name:
        raise NotAHelloError("malformed server name")
    return name.lower().rstrip(".")


def _protocols_of(data: bytes) -> tuple[bytes, ...]:
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


_protocols = lru_cache(64)(_protocols_of)


@lru_cache(64)
def _versions(data: bytes) -> tuple[int, ...]:
    """The versions of a supported_versions extension (RFC 8446, section 4.2.1), without GREASE (RFC 8701)."""
    if data[0] != len(data) - 1 or len(data) < 3 or len(data) % 2 == 0:
        raise NotAHelloError("malformed list of versions")
    found = [_short(data, at) for at in range(1, len(data), 2)]
    return tuple(version for version in found if version & 0x0F0F != 0x0A0A)
