"""Writes and parses the records of FastCGI 1.0 (FastCGI Specification, sections 3 and 8).

Rules of this file:
- There is one request on a connection, with the number 1. It is pure: bytes in, bytes out.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGIN_REQUEST: Final = 1
END_REQUEST: Final = 3
PARAMS: Final = 4
STDIN: Final = 5
STDOUT: Final = 6
STDERR: Final = 7
"""Types of records."""
MOST: Final = 65535
"""Bytes of content of a record."""
HEADER: Final = struct.Struct(">BBHHBx")
"""Version, type, number of the request, bytes of content, bytes of padding."""
END: Final = struct.Struct(">IB3x")
"""Of END_REQUEST: status of the application, status of the protocol."""
FAILURES: Final = {1: "cannot take another request on this connection", 2: "is overloaded", 3: "knows no responders"}
"""Texts for the status of the protocol, except 0."""

_VERSION: Final = 1
_NUMBER: Final = 1
_RESPONDER: Final = struct.Struct(">HB5x").pack(1, 0)
"""The role, and no flag: the application closes the connection. A kept connection would occupy a process of PHP-FPM;
ingress-nginx keeps none either."""


class Header(NamedTuple):
    """What precedes the content of a record."""

    kind: int
    content: int
    padding: int


def header(kind: int, content: int) -> bytes:
    """The header of a record of KIND with so many bytes of CONTENT."""
    return HEADER.pack(_VERSION, kind, _NUMBER, content, 0)


def read_header(data: bytes) -> Header | None:
    """The header in DATA; None: it is not for our request."""
    version, kind, number, content, padding = HEADER.unpack(data)
    if version != _VERSION or number != _NUMBER:
        return None
    return Header(kind, content, padding)


def begin(parameters: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The records that begin a request with PARAMETERS."""
    return header(BEGIN_REQUEST, len(_RESPONDER)) + _RESPONDER + stream(PARAMS, b"".join(_pairs(parameters)))


def stream(kind: int, data: bytes) -> bytes:
    """DATA as the whole of the stream KIND, with its end."""
    pieces = [data[at : at + MOST] for at in range(0, len(data), MOST)]
    return b"".join([header(kind, len(piece)) + piece for piece in pieces]) + header(kind, 0)


def _pairs(parameters: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for name, value in parameters:
        yield _length(len(name)) + _length(len(value)) + name + value


def _length(length: int) -> bytes:
    return bytes((length,)) if length < 128 else struct.pack(">I", length | 1 << 31)
