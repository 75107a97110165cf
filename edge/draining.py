"""How the proxy tells the control plane that it is about to end: a file named `draining` beside the table.

The proxy makes it when it is told to stop, before it stops accepting; while it exists `/readyz` says no. It is a file
because the two may run in two containers that share nothing but this directory. A starting proxy removes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "draining"


def begin(directory: Path) -> None:
    """Say that the proxy of DIRECTORY ends.

    Raises:
        OSError: the file cannot be made.
    """
    (directory / NAME).touch(mode=0o600)


def clear(directory: Path) -> None:
    """Say that a proxy of DIRECTORY starts."""
    (directory / NAME).unlink(missing_ok=True)


def is_draining(directory: Path) -> bool:
    """Whether the proxy of DIRECTORY is ending."""
    return (directory / NAME).exists()
