"""How the proxy reports to the control plane that it drains: a file named `draining` beside the table.

The proxy creates it on SIGTERM, before it stops accepting; while it exists `/readyz` answers 503. It is a file
because the two may run in two containers that share nothing but this directory. A starting proxy removes it.

Where several proxies serve one directory, the last of them creates the file. Each holds a shared lock, which shows the
last one that the others have ended.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "draining"
LOCK_NAME = "proxies.lock"


class Presence:
    """A mark that a proxy serves DIRECTORY; it lasts as long as the process and those that it forks.

    Raises:
        OSError: the lock's file cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        self._lock = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def end(self) -> bool:
        """Whether this is the last proxy; from now on it does not count for others."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
        return True


def begin(directory: Path) -> None:
    """Report that the proxy of DIRECTORY drains.

    Raises:
        OSError: the file cannot be made.
    """
    (directory / NAME).touch(mode=0o600)


def clear(directory: Path) -> None:
    """Report that a proxy of DIRECTORY starts."""
    (directory / NAME).unlink(missing_ok=True)


def is_draining(directory: Path) -> bool:
    """Whether the proxy of DIRECTORY drains."""
    return (directory / NAME).exists()
