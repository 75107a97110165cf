"""The memory of connections that are closed: the allocator keeps it, unless it is asked to give it back to the kernel.

It is asked when few of many connections are left, so that a worker that serves as many all the time never is: what it
keeps it will use again.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WORTH: Final = 32
"""Connections below which there is little to give back."""
SHARE: Final = 4
"""It is time when no more than one in so many is left."""


def trim() -> None:
    """Give pages without content back to the kernel. Only glibc keeps so many that it has a function for this."""
    function = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if function is not None:
        function(0)


class Slack:
    """Notes how many connections there were."""

    def __init__(self, give_back: Callable[[], None] = trim) -> None:
        self._give_back = give_back
        self._most = 0
        """Connections since memory was last given back."""

    def look(self, connections: int) -> None:
        """So many are open now; to be called every second."""
        self._most = max(self._most, connections)
        if self._most >= WORTH and connections * SHARE <= self._most:
            self._give_back()
            self._most = connections
