"""Keys that encrypt TLS session tickets. All workers have the same ones, so each can resume a session.

A key is the newest one for DAY, and is kept for as long as its tickets are valid. Keys are stored in the table only;
the next control plane finds them there.
"""

from __future__ import annotations

import os
from typing import Final

from edge.table.records import TicketKeys

DAY: Final = 86400.0
KEPT: Final = 3
SIZE: Final = 80


def rotated(keys: TicketKeys | None, now: float) -> TicketKeys:
    """KEYS, with a new one before them if one is due at NOW (Unix seconds)."""
    if keys is not None and keys.keys and 0 <= now - keys.rotated < DAY:
        return keys
    before = keys.keys if keys is not None else ()
    return TicketKeys((os.urandom(SIZE), *before[: KEPT - 1]), now)
