"""The memory of this process."""

from __future__ import annotations

import mmap
from pathlib import Path


def resident() -> int:
    """Resident memory, bytes."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * mmap.PAGESIZE
    except OSError:
        return 0
