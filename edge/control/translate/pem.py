"""Parses PEM texts (RFC 7468) and writes them in a canonical form.

The published PEM is written from the parsed blocks, so that a worker reads neither text between the blocks nor a second
key.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGIN: Final = b"-----BEGIN "
_END: Final = b"-----END "
_DASHES: Final = b"-----"
_COLUMNS: Final = 64
_BLANK_LINE: Final = re.compile(rb"\n[ \t\r]*\n")
_WHITESPACE: Final = b" \t\r\n\v\f"


class PemError(ValueError):
    """A block cannot be read; the message says why."""


class Block(NamedTuple):
    """One block."""

    label: str
    data: bytes
    headers: bytes = b""
    """Lines before the data, as keys with a passphrase have them (RFC 1421)."""

    def text(self) -> bytes:
        """The block as PEM, without headers."""
        encoded = binascii.b2a_base64(self.data, newline=False)
        lines = [encoded[at : at + _COLUMNS] for at in range(0, len(encoded), _COLUMNS)]
        label = self.label.encode()
        return b"\n".join([_BEGIN + label + _DASHES, *lines, _END + label + _DASHES, b""])


def blocks(text: bytes) -> Iterator[Block]:
    """The blocks in TEXT, without the text between them.

    Raises:
        PemError: one has no end, or is not base64.
    """
    at = text.find(_BEGIN)
    while at >= 0:
        start = at + len(_BEGIN)
        close, end = text.find(_DASHES, start), text.find(_END, start)
        if not start <= close < end:
            raise PemError("a PEM block has no end")
        label = text[start:close]
        after = end + len(_END) + len(label) + len(_DASHES)
        if text[end:after] != _END + label + _DASHES:
            raise PemError("a PEM block has no end")
        yield _block(label, text[close + len(_DASHES) : end])
        at = text.find(_BEGIN, after)


def _block(label: bytes, body: bytes) -> Block:
    headers = b""
    if b":" in body:
        parts = _BLANK_LINE.split(body, maxsplit=1)
        headers, body = parts[0], parts[-1]
    try:
        data = binascii.a2b_base64(body.translate(None, _WHITESPACE), strict_mode=True)
    except binascii.Error as error:
        raise PemError("a PEM block is not base64") from error
    return Block(label.decode("latin-1"), data, headers)
