"""Content codings: compress content by gzip, Brotli and Zstandard, piece by piece (RFC 1952, RFC 7932, RFC 8878).

Rules of this file:
- A library is loaded with the first response that needs it, and a state belongs to one response.
- Windows are small: with thousands of concurrent responses, memory matters more than the last percent of their size.
- All libraries let other threads run while they compress.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

GZIP: Final = 16
"""Added to the window's bits: with gzip's header and trailer (zlib.h, deflateInit2)."""
MOST_BITS: Final = 15
LEAST_BITS: Final = 9
LARGEST_WINDOW: Final = 19
"""Bits of a window of Brotli and Zstandard, 512 KiB, as ngx_brotli has it."""
LEAST_WINDOW: Final = 10
PATIENCE: Final = 100_000
"""Nanoseconds for which one piece may block the event loop."""
_SPEEDS: Final = {
    "gzip": (10, 12, 14, 18, 22, 28, 40, 50, 80, 100),
    "br": (5, 8, 14, 16, 25, 40, 50, 70, 80, 100, 1500, 4000),
    "zstd": (4, 4, 5, 7, 9, 12, 16, 20, 25, 30, 40, 60, 70, 120, 150, 180, 300, 500, 700, 1000),
}
"""About how many nanoseconds a byte takes, by level, on a slow processor."""


class Encoder:
    """Encodes the content of one response.

    - `inline`: bytes up to which a thread would cost more than the encoding.
    """

    def __init__(
        self, encode: Callable[[bytes], bytes], flush: Callable[[], bytes], finish: Callable[[], bytes], inline: int
    ) -> None:
        """ENCODE may buffer bytes, FLUSH returns everything that can be decoded so far, FINISH the rest."""
        self.encode = encode
        self.flush = flush
        self.finish = finish
        self.inline = inline


def encoder(name: str, level: int, size: int) -> Encoder:
    """The encoder of content of SIZE bytes (below 0: of unknown length) for the coding NAME at LEVEL."""
    speeds = _SPEEDS[name]
    inline = PATIENCE // speeds[min(level, len(speeds) - 1)]
    return Encoder(*_MAKERS[name](level, size), inline)


Functions = tuple["Callable[[bytes], bytes]", "Callable[[], bytes]", "Callable[[], bytes]"]


def _gzip(level: int, size: int) -> Functions:
    bits = _bits(size, LEAST_BITS, MOST_BITS)
    made = zlib.compressobj(level, zlib.DEFLATED, GZIP + bits, max(bits - 7, 1))
    return made.compress, lambda: made.flush(zlib.Z_SYNC_FLUSH), made.flush


def _brotli(level: int, size: int) -> Functions:
    import brotli  # noqa: PLC0415  # see above

    made: Any = brotli.Compressor(quality=level, lgwin=_bits(size, LEAST_WINDOW, LARGEST_WINDOW))
    return made.process, made.flush, made.finish


def _zstandard(level: int, size: int) -> Functions:
    import zstandard  # noqa: PLC0415  # see above

    bits = _bits(size, LEAST_WINDOW, LARGEST_WINDOW)
    parameters = zstandard.ZstdCompressionParameters.from_level(level, window_log=bits)
    made = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return made.compress, lambda: made.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK), made.flush


def _bits(size: int, least: int, most: int) -> int:
    """Bits of the smallest window that content of SIZE bytes needs."""
    return min(max(size.bit_length(), least), most) if size >= 0 else most


_MAKERS: Final = {"gzip": _gzip, "br": _brotli, "zstd": _zstandard}
