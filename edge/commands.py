"""The commands that serve, `run`, `control` and `proxy`, once their settings are known."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final

from edge import options
from edge.system import directories, logs
from edge.system.addresses import ListenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.settings import Settings

MODULES: Final = {
    "run": "edge.start",
    "control": "edge.control.plane",
    "proxy": "edge.data.process.application",
}
"""Each side is imported only where it runs: the control plane does not need gevent, nor the proxy the Kubernetes
client."""
USAGE: Final = 2
COMPLAINTS: Final = (options.OptionError, directories.DirectoryError, ListenError)
"""Errors that end a command with one line for the user."""


def run(command: str, settings: Settings) -> int:
    """Run COMMAND until it ends; the exit status, see `edge.cli`."""
    try:
        if settings.shm_dir:
            directories.prepare(settings.table_directory)
        logs.configure(settings, process="launcher" if command == "run" else command)
        main: Callable[[Settings], int] = importlib.import_module(MODULES[command]).run
        return main(settings) or 0
    except COMPLAINTS as error:
        return complain(command, error)


def complain(command: str, error: Exception) -> int:
    """Print ERROR of COMMAND, one of COMPLAINTS; the exit status."""
    print(f"edge {command}: {error}", file=sys.stderr)
    return 1 if isinstance(error, ListenError) else USAGE
