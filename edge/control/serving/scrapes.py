"""`/metrics` over HTTP: few scrapes at a time, compressed where that is understood, in blocks of useful size."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from prometheus_client.exposition import gzip_accepted

from edge.control.serving.metrics.exposition import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message

    from edge.control.serving.metrics.collector import Collector

MOST_SCRAPES: Final = 4
"""Scrapes at once; further ones wait for a while, then get 503."""
SCRAPE_WAIT: Final = 10.0
_BLOCK: Final = 65536


def scraped(collector: Collector, request: Message) -> tuple[str, dict[str, str], Iterator[bytes]]:
    """Content type, further fields and blocks of the answer to a REQUEST with these fields."""
    content_type, pieces = render(collector, ",".join(request.get_all("Accept", [])))
    fields = {"Vary": "Accept, Accept-Encoding"}
    if gzip_accepted(",".join(request.get_all("Accept-Encoding", []))):
        fields["Content-Encoding"] = "gzip"
        pieces = _compressed(pieces)
    return content_type, fields, _gathered(pieces)


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _gathered(pieces: Iterable[bytes], size: int = _BLOCK) -> Iterator[bytes]:
    """PIECES joined to blocks of SIZE bytes or more, none of them empty."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(waiting)
            waiting.clear()
            length = 0
    if length:
        yield b"".join(waiting)
