"""Long loops in pieces, which release the GIL in between, so that the thread that publishes tables does not wait for a
reader."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

PIECE: Final = 256
"""Series written, or named, at a time; some tenths of a millisecond."""
REST: Final = 0.0001
"""Seconds for which the GIL is released after each piece: enough for another thread to take it."""


def paced(items: Iterable[T]) -> Iterator[T]:
    """ITEMS, with a rest after each piece."""
    for number, item in enumerate(items, 1):
        yield item
        if not number % PIECE:
            time.sleep(REST)
