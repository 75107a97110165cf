"""The title of a process: what ps(1) and /proc/PID/cmdline show of it.

A process that was forked shows its parent's command line. The kernel has no call to change it: it reads the memory in
which the program was started with its arguments, and the environment behind them once the arguments have no end.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ARGUMENTS = 45
_ENVIRONMENT = 48
"""Where /proc/PID/stat has the start of the arguments and the end of the environment, counted behind the name."""


def take(title: str, environment: Mapping[str, str]) -> None:
    """Set the title of this process to TITLE, as far as there is room for it, and its environment to ENVIRONMENT.

    The room is that of the arguments and variables that the program was started with, so the variables move away first.
    """
    os.environ.clear()
    os.environ.update(environment)
    start, end = _room()
    if start and end > start:
        text = title.encode(errors="surrogateescape")[: end - start - 1]
        ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


def _room() -> tuple[int, int]:
    """Addresses; (0, 0): the kernel does not say."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        return int(fields[_ARGUMENTS]), int(fields[_ENVIRONMENT])
    except (OSError, IndexError):
        return 0, 0
