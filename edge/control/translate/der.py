"""Elements of DER, as far as reading a certificate needs them (ITU-T X.690).

Rules of this file:
- Nothing is read beyond the bounds of the enclosing element, and depth is bounded: the bytes are not trusted.
- Forms beside DER that OpenSSL accepts are accepted too: lengths with leading zeros, and the indefinite form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONSTRUCTED: Final = 0x20
"""Set in the tag of an element that holds elements."""
MOST_DEPTH: Final = 16
"""Of elements of indefinite length within one another."""
_LONG_TAG: Final = 0x1F
_INDEFINITE: Final = 0x80
_END: Final = b"\0\0"


class DerError(ValueError):
    """The bytes are no element."""


class Element(NamedTuple):
    """One element: its tag (the first byte), its content, and where in the data the next one begins."""

    tag: int
    content: bytes
    end: int


def read(data: bytes, at: int = 0, depth: int = 0) -> Element:
    """The element in DATA that begins AT.

    Raises:
        DerError: there is none.
    """
    if len(data) - at < 2 or depth > MOST_DEPTH:
        raise DerError("cut off")
    tag, length = data[at], data[at + 1]
    if tag & _LONG_TAG == _LONG_TAG:
        raise DerError("a tag of several bytes")
    start = at + 2
    if length == _INDEFINITE:
        return _indefinite(data, tag, start, depth)
    if length > _INDEFINITE:
        more = length - _INDEFINITE
        length = int.from_bytes(data[start : start + more], "big")
        start += more
    end = start + length
    if end > len(data):
        raise DerError("cut off")
    return Element(tag, data[start:end], end)


def _indefinite(data: bytes, tag: int, start: int, depth: int) -> Element:
    if not tag & CONSTRUCTED:
        raise DerError("a primitive element without length")
    end = start
    while data[end : end + 2] != _END:
        end = read(data, end, depth + 1).end
    return Element(tag, data[start:end], end + 2)


def elements(content: bytes) -> Iterator[Element]:
    """The elements in CONTENT, one after the other.

    Raises:
        DerError: what comes next is none.
    """
    at = 0
    while at < len(content):
        element = read(content, at)
        yield element
        at = element.end
