"""Where lines of the access log go: a descriptor, a file, a syslog server.

Rules of this file:
- No outlet blocks. Lines that it does not accept stay in the buffer, up to its limit, or are dropped and counted.
- A file is opened again by `reopen`, so that it can be moved away (logrotate). Until it can be opened, lines wait.
"""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.data.observe._lines import Lines

log = logging.getLogger("edge.data")

AGAIN: Final = 5.0
"""Seconds between two attempts to open a file, and between two messages about it."""
MODE: Final = 0o644


class Outlet:
    """Takes lines."""

    def write(self, lines: Lines) -> None:
        """Write those of LINES that can be written now."""
        raise NotImplementedError

    def reopen(self) -> None:
        """Open the file again, because another one may have its name now."""

    def close(self) -> None:
        """Nothing more is written."""


class Descriptor(Outlet):
    """The file of a descriptor of this process, such as standard output."""

    def __init__(self, fd: int) -> None:
        self._fd = reopened(fd)

    def write(self, lines: Lines) -> None:
        """As `Outlet`."""
        with suppress(OSError):  # the log has no reader
            lines.write(self._fd)

    def __del__(self) -> None:
        os.close(self._fd)


class File(Outlet):
    """The file at PATH, or a named pipe, to which lines are appended."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._silent_until = 0.0

    def write(self, lines: Lines) -> None:
        """As `Outlet`."""
        if not self._open():
            return
        try:
            lines.write(self._fd)
        except OSError as error:
            self._failed(error)

    def reopen(self) -> None:
        """As `Outlet`."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._silent_until = 0.0

    def close(self) -> None:
        """As `Outlet`."""
        self.reopen()

    def _open(self) -> bool:
        if self._fd < 0 and monotonic() >= self._silent_until:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
            try:
                self._fd = os.open(self._path, flags, MODE)
            except OSError as error:
                self._failed(error)
        return self._fd >= 0

    def _failed(self, error: OSError) -> None:
        if monotonic() >= self._silent_until:
            log.error("the access log %s (access-log-path) cannot be written: %s", self._path, error.strerror)
            self._silent_until = monotonic() + AGAIN


def reopened(fd: int) -> int:
    """A non-blocking descriptor of our own for the file or pipe of FD.

    O_NONBLOCK on FD itself would hold for every process that has it too, our parent's shell for instance. What cannot
    be opened again (a socket, another user's terminal) is used as it is, and only when it is ready. So is a regular
    file: it never blocks, and other processes write to it through FD, at a position that all of them share (`edge run
    >FILE`).
    """
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.dup(fd)
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return os.dup(fd)
