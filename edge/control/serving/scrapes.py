"""`/metrics` over HTTP: few scrapes at a time, compressed if the client accepts it, in blocks of useful size."""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from email.message import Message

    from edge.control.serving.metrics.collector import Collector

MOST_SCRAPES: Final = 4
"""Scrapes at once; further ones wait for a while, then get 503."""
SCRAPE_WAIT: Final = 10.0
_BLOCK: Final = 65536


class Metrics:
    """All metrics. What makes them is imported for the first scrape: it takes more than a MiB, half of it the client
    library."""

    def __init__(self, make: Callable[[], Collector]) -> None:
        """MAKE is called once."""
        self._make = make
        self._collector: Collector | None = None
        self._lock = threading.Lock()

    def scraped(self, request: Message) -> tuple[str, dict[str, str], Iterator[bytes]]:
        """Content type, further fields and blocks of the answer to a REQUEST with these fields."""
        from prometheus_client.exposition import gzip_accepted  # noqa: PLC0415

        from edge.control.serving.metrics import exposition  # noqa: PLC0415

        with self._lock:
            if self._collector is None:
                self._collector = self._make()
        content_type, pieces = exposition.render(self._collector, ",".join(request.get_all("Accept", [])))
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
