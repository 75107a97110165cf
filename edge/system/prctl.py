"""Two options of prctl(2) for which Python has no function."""

from __future__ import annotations

import ctypes
import os

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(signal_number: int) -> None:
    """Make the kernel send SIGNAL_NUMBER to this process when its parent ends."""
    _prctl(PR_SET_PDEATHSIG, signal_number)


def become_subreaper() -> None:
    """Become the parent of orphaned descendants, as PID 1 is."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
