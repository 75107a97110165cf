"""Keys that seal TLS session tickets, the same in all workers so that a session can go on in any of them.

A key lives for DAY as the newest one, and is kept for as long again as tickets sealed with it may come back. Keys go on
from one control plane to the next through the table; they are nowhere else.
"""

from __future__ import annotations

import os
from typing import Final

from edge.table.records import TicketKeys

DAY: Final = 86400.0
KEPT: Final = 3
SIZE: Final = 80


def rotated(keys: TicketKeys | None, now: float) -> TicketKeys:
    """KEYS, with a new one before them if it is time for that at NOW (Unix seconds)."""
    if keys is not None and keys.keys and 0 <= now - keys.rotated < DAY:
        return keys
    before = keys.keys if keys is not None else ()
    return TicketKeys((os.urandom(SIZE), *before[: KEPT - 1]), now)
