"""The end of sessions after a time (Gateway API, SessionPersistence: `absoluteTimeout` and `idleTimeout`).

Rules of this file:
- Nothing is remembered: a session says itself when it began and when its client was last here, in seconds of the
  clock, behind what it says of its endpoint. One that does not say so is over.
- With `idle` a response renews the second of the two, once a second at most.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.http._message import Message

    Value = Callable[[Message], bytes]
    """What a request says of its session."""

CLOCK: Final = time.time
LONGEST_STAMP: Final = 12
"""Digits of the longest number of seconds that is read: clients may send any."""


class SessionTimes:
    """Sessions that end ABSOLUTE seconds after they began, or IDLE seconds after their last request; 0: never."""

    def __init__(self, value: Value, absolute: float, idle: float) -> None:
        self._value = value
        self._absolute = absolute
        self._idle = idle

    def read(self, request: Message) -> bytes:
        """What REQUEST says of its session; empty: it has none, or that is over."""
        value = self._value(request)
        return value if self._stamps(value) is not None else b""

    def renewed(self, request: Message, given: bytes) -> bytes:
        """What the response to REQUEST has to say of the session; empty: nothing. GIVEN: a new one, without times."""
        now = int(CLOCK())
        if given:
            return given + b"|%x.%x" % (now, now)
        value = self._value(request)
        stamps = self._stamps(value) if self._idle else None
        if stamps is None or now <= stamps[1]:
            return b""
        return value.rpartition(b"|")[0] + b"|%x.%x" % (stamps[0], now)

    def _stamps(self, value: bytes) -> tuple[int, int] | None:
        """When the session VALUE began, and the last request of it; None: it is over."""
        parts = value.split(b"|")
        begun, _, last = parts[2].partition(b".") if len(parts) == 3 else (b"", b"", b"")
        if len(begun) > LONGEST_STAMP or len(last) > LONGEST_STAMP:
            return None
        try:
            stamps = int(begun, 16), int(last, 16)
        except ValueError:
            return None
        now = CLOCK()
        over = (self._absolute and now >= stamps[0] + self._absolute) or (self._idle and now >= stamps[1] + self._idle)
        return None if over else stamps
