"""Returns memory of closed connections to the kernel, which the allocator would keep. This is done when few of many
connections are left, and never in a worker with a constant number, which uses the memory again.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WORTH: Final = 32
"""Connections below which there is little to return."""
SHARE: Final = 4
"""Memory is returned when no more than one in so many is left."""


def trim() -> None:
    """Return unused pages to the kernel. Only glibc keeps so many that it has a function for this."""
    function = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if function is not None:
        function(0)


class Slack:
    """Notes how many connections there were."""

    def __init__(self, give_back: Callable[[], None] = trim) -> None:
        self._give_back = give_back
        self._most = 0
        """Connections since memory was last returned."""

    def look(self, connections: int) -> None:
        """Note the number of open connections; to be called every second."""
        self._most = max(self._most, connections)
        if self._most >= WORTH and connections * SHARE <= self._most:
            self._give_back()
            self._most = connections
